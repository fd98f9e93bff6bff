/**
 * The log: pino lines on standard error, every finished line scrubbed of known secrets before it
 * leaves the process, whatever field it hid in.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { visible } from './visible-text.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  readonly format: 'auto' | 'json' | 'text';
  /** Takes the secrets out of a finished line. */
  readonly scrub: (line: string) => string;
  readonly write?: (line: string) => void;
}

export function createLogger({ level, format, scrub, write = toStandardError }: LoggerOptions): Logger {
  const asText = format === 'text' || (format === 'auto' && process.stderr.isTTY);
  const destination: DestinationStream = {
    write: (line) => write(asText ? readable(scrub(line)) : scrub(line)),
  };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

function toStandardError(line: string): void {
  process.stderr.write(line);
}

const levelNames: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** `12:34:56 warn what happened provider=groq`, for a person at a terminal. */
function readable(line: string): string {
  const {
    level,
    time,
    msg = '',
    ...rest
  } = JSON.parse(line) as {
    level: number;
    time: string;
    msg?: string;
    [field: string]: unknown;
  };
  const fields = Object.entries(rest).map(([name, value]) => {
    const error = value as { message?: unknown } | null;
    const text = name === 'err' && typeof error?.message === 'string' ? error.message : value;
    return ` ${name}=${typeof text === 'string' ? text : JSON.stringify(text)}`;
  });
  return `${visible(`${time.slice(11, 19)} ${levelNames[level] ?? level} ${msg}${fields.join('')}`)}\n`;
}
