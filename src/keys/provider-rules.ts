/** What a provider may be made of or changed to, with the words for who got it wrong; for the API and for commands. */
import { z } from 'zod';
import { plainLine } from '../foundation/visible-text.ts';
import { redactSecrets } from '../providers/redact.ts';

/** Text that a database and a log take as it is: no control characters, no halves of characters. */
export function plainText(longest: number) {
  const words = `must be a text of at most ${longest} characters, without control characters or such that turn the direction of text`;
  return z
    .string({ error: ({ input }) => (input === undefined ? undefined : words) })
    .max(longest, words)
    .regex(plainLine, words);
}

const noSecret = 'must not hold secrets: a key belongs in set-key';

/** A key that was pasted into the wrong field would be shown to everybody who looks. */
export function holdsNoSecret(text: string): boolean {
  return redactSecrets(text, []) === text;
}

export const keySource = z.enum(['environment', 'database', 'hybrid']);

/** As it can stand in `provider/model` and, in capitals, in the name of an environment variable. */
export const newSlug = z
  .string()
  .regex(
    /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/,
    'must begin with a letter and be made of lower-case letters, digits, and single dashes between them',
  )
  .max(100)
  .refine((slug) => slug !== 'test-all', 'must not be test-all, which is an address of its own')
  .refine(holdsNoSecret, noSecret);

export const displayName = plainText(200).min(1, 'must not be empty').refine(holdsNoSecret, noSecret);
export const baseUrl = plainText(500)
  .refine((text) => !text.includes('\\'), 'must not hold a backslash')
  .refine(holdsNoSecret, noSecret);

/** Headers that carry keys, that are the caller's, or that belong to the connection. */
const reservedHeaders = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'cookie',
  'set-cookie',
  'host',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'expect',
]);
const mostHeaders = 20;

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must have names as RFC 9110 allows them')
  .refine(
    (name) => !reservedHeaders.has(name.toLowerCase()),
    'must not hold headers that carry keys or belong to the connection',
  )
  .refine((name) => !name.toLowerCase().startsWith('x-keyward-'), 'must not hold headers of Keyward')
  .refine(holdsNoSecret, noSecret);

const headerValue = z
  .string('must have texts as values')
  .regex(/^[\x20-\x7e]{0,500}$/, 'must have values of at most 500 printable ASCII characters')
  .refine(holdsNoSecret, noSecret);

export const requestHeaders = z
  .record(headerName, headerValue)
  .refine(
    (headers) => Object.keys(headers).length <= mostHeaders,
    `must not hold more than ${mostHeaders} headers`,
  );
