/** Takes a secret for a command without showing it anywhere: from a file, from a pipe, or typed without echo. */
import { createReadStream } from 'node:fs';
import { isCancel, password } from '@clack/prompts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';

/** No key and no file around one is longer. */
const longestInput = 64 * 1024;

/**
 * A secret from a file, from standard input, or typed without echo.
 * @param what what to ask for, for example `API key of openrouter`
 * @throws UsageError where it cannot be read or nobody typed one
 */
export async function readKey(what: string, file: string | undefined): Promise<Secret> {
  if (file !== undefined) return new Secret(await readText(createReadStream(file), `The file ${file}`));
  if (!process.stdin.isTTY) return new Secret(await readPiped());
  const { signal, forget } = endOfInput();
  const typed = await password({
    message: `${what} (it is not shown)`,
    output: process.stderr,
    signal,
  });
  forget();
  if (isCancel(typed)) throw new UsageError('Nothing was changed.');
  return new Secret((typed ?? '').trim());
}

/**
 * What is piped in, where that is anything.
 * @throws UsageError where it cannot be read
 */
export async function readPipedKey(): Promise<Secret | undefined> {
  const text = await readPiped();
  return text === '' ? undefined : new Secret(text);
}

async function readPiped(): Promise<string> {
  return readText(process.stdin, 'Standard input');
}

/** Ctrl-D, or the end of the terminal itself: the prompt does not take either for an answer. */
function endOfInput(): { signal: AbortSignal; forget: () => void } {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const look = (typed: Buffer | string): void => {
    if (typed.toString().includes('\u0004')) end();
  };
  process.stdin.once('end', end).on('data', look);
  return {
    signal: ended.signal,
    forget: () => process.stdin.off('end', end).off('data', look).pause(),
  };
}

async function readText(input: AsyncIterable<Buffer | string>, where: string): Promise<string> {
  let text = '';
  try {
    for await (const chunk of input) {
      text += chunk.toString();
      if (text.length > longestInput)
        throw new UsageError(`${where} holds more than a key. Nothing was changed.`);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${where} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return text.trim();
}
