/**
 * The command line as people meet it: real processes on an installation of their own, and what they said
 * as a transcript that reads as documentation. Standard error is marked with `!`.
 */
import { hash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { KeywardProcess, startServerProcess, type Ended } from './keyward-process.ts';
import { newPlace } from './running-keyward.ts';
import type { Engine } from './keyward-database.ts';

/** The same in every run, so that its id in transcripts is. */
export const encryptionKey = hash('sha256', 'the encryption key of the transcripts', 'buffer')
  .toString('base64')
  .replaceAll('+', '-')
  .replaceAll('/', '_');

interface Run extends Ended {
  /** The command and everything that it said, without what differs from run to run. */
  readonly transcript: string;
  /** Standard output, read as JSON. */
  readonly json: unknown;
}

interface RunOptions {
  /** On standard input, which is no terminal; nothing where absent. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandLine {
  readonly environment: Readonly<Record<string, string>>;
  readonly dataDirectory: string;
  /** `keyward …`; the words are split at blanks. */
  readonly run: (words: string, options?: RunOptions) => Promise<Run>;
  /** Starts a server on the same installation; settles once it listens. */
  readonly serve: (
    env?: Readonly<Record<string, string>>,
  ) => Promise<{ url: string; process: KeywardProcess }>;
}

/** A new installation, thrown away when the test is over. On the embedded engine each command starts an engine of its own. */
export async function commandLine(
  env: Readonly<Record<string, string>> = {},
  engine: Engine = 'postgres',
  options?: { migrated: boolean },
): Promise<CommandLine> {
  const place = await newPlace(engine, options);
  onTestFinished(async () => place.remove());
  return commandLineAt({ ...place.environment, BYOK_ENCRYPTION_KEY: encryptionKey, ...env });
}

/** On an installation that somebody else throws away. */
export function commandLineAt(environment: Readonly<Record<string, string>>): CommandLine {
  const dataDirectory = environment['KEYWARD_DATA_DIR'] ?? '';
  return {
    environment,
    dataDirectory,
    run: async (words, { input, env = {} } = {}) => {
      const started = new KeywardProcess(words.split(' '), { ...environment, ...env }, input);
      const ended = await started.ended();
      return {
        ...ended,
        transcript: steady(`$ keyward ${words}\n${said(ended)}`, dataDirectory),
        get json() {
          return JSON.parse(ended.stdout) as unknown;
        },
      };
    },
    serve: async (more = {}) => {
      const started = startServerProcess({ ...environment, ...more });
      onTestFinished(async () => {
        if (started.isRunning) started.kill('SIGKILL');
        await started.ended();
      });
      return { url: await started.url(), process: started };
    },
  };
}

function said({ stdout, stderr, exitCode }: Ended): string {
  const marked = stderr.replace(/^(?=.)/gm, '! ');
  return `${stdout}${marked}${exitCode === 0 ? '' : `(exit code ${exitCode})\n`}`;
}

/** Takes out what differs from run to run. */
function steady(text: string, dataDirectory: string): string {
  return text
    .replaceAll(dataDirectory, 'DATA')
    .replaceAll(/fp_[0-9a-f]{12}/g, 'fp_FINGERPRINT')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/keyward_test_[0-9a-f]{16}/g, 'DATABASE')
    .replaceAll(/\b[Rr]evision \d+/g, (match) => match.replace(/\d+/, 'N'))
    .replaceAll(/\b\d+ ms\b/g, 'N ms')
    .replaceAll(/\[\S+, process \d+/g, '[HOST, process PID')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3}Z)?/g, 'TIME')
    .replaceAll(/\bkw([ag])_[\w-]{43}/g, 'kw$1_TOKEN')
    .replaceAll(/\bkw([ag])_[\w-]{6}…/g, 'kw$1_BEGIN…')
    .replaceAll(/\b\d+ s ago\b/g, 'N s ago')
    .replaceAll(/\b(AGE|\d+ s)(?= {2,}\S|$) */gm, (match) => (match.startsWith('AGE') ? 'AGE  ' : 'N s  '))
    .replaceAll(/ +$/gm, '');
}
