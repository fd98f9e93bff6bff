/**
 * The command that prints the encryption key ring, for those who keep it in a key store. What it prints is
 * never repeated, neither in an error nor anywhere else.
 */
import { execFile } from 'node:child_process';
import { UsageError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { ringTextOf } from './encryption-key-file.ts';

const timeoutMs = 10_000;
const maxBytes = 64 * 1024;

/**
 * Runs it in the shell, with the environment of this process, and takes what it prints as the text of an
 * encryption key file.
 * @throws UsageError when it fails, takes longer than 10 s, or prints no key
 */
export async function runEncryptionKeyCommand(command: string): Promise<Secret> {
  const printed = await new Promise<string>((resolve, reject) => {
    const options = { timeout: timeoutMs, maxBuffer: maxBytes, killSignal: 'SIGKILL' } as const;
    const child = execFile('/bin/sh', ['-c', command], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new UsageError(`BYOK_ENCRYPTION_KEY_COMMAND ${whyOf(error)}. Try it by hand in a shell.`));
    });
    // A command that asks for something would wait for an answer that nobody gives.
    child.stdin?.end();
  });
  const text = ringTextOf(printed);
  if (text === undefined) throw new UsageError('BYOK_ENCRYPTION_KEY_COMMAND printed no key.');
  return text;
}

function whyOf(
  error: Error & { code?: number | string | null; killed?: boolean; signal?: NodeJS.Signals | null },
): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${maxBytes / 1024} KiB`;
  if (error.killed) return `did not end within ${timeoutMs / 1_000} s`;
  if (typeof error.code === 'number') return `ended with exit code ${error.code}`;
  if (error.signal) return `was ended by the signal ${error.signal}`;
  return 'could not be run';
}
