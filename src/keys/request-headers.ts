/**
 * The extra headers of a provider (request_headers). They stand in the database in the clear, so they hold
 * no credentials; and they change nothing on which the transport or the key depends.
 */
import { knownProviders } from '../providers/registry.ts';

const mostHeaders = 20;
const mostBytes = 4096;
const longestName = 100;

/** A token of RFC 9110, 5.6.2. */
const nameForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Printable ASCII, with blanks inside only. */
const valueForm = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Of the connection (RFC 9110, 7.6.1), of the message's form, or Keyward's own business. */
const ownNames: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** A part of a name, between dashes, that says that the header carries a credential. */
const credentialPart =
  /^(?:auth|bearer)$|(?:key|token|secret|password|cookie|credentials?|signature|authorization|authenticate)$/;

const keyHeaderNames: ReadonlySet<string> = new Set(
  knownProviders.flatMap(({ keyHeader, test }) => [keyHeader.name, test.keyHeader.name]),
);

/**
 * Reads what stands in the column, or what an administrator wants to put there.
 * @returns the headers by name in lower case, or what is wrong, without any value
 */
export function readRequestHeaders(
  value: unknown,
): { readonly headers: Readonly<Record<string, string>> } | { readonly problem: string } {
  if (value === null || value === undefined) return { headers: {} };
  if (typeof value !== 'object' || Array.isArray(value))
    return { problem: 'request_headers must be an object of strings' };
  const entries = Object.entries(value);
  if (entries.length > mostHeaders)
    return { problem: `request_headers must not hold more than ${mostHeaders} headers` };
  const headers = new Map<string, string>();
  let bytes = 0;
  for (const [name, text] of entries) {
    const lower = name.toLowerCase();
    const problem = headers.has(lower) ? `"${lower}" stands there twice` : headerProblem(lower, text);
    if (problem !== undefined) return { problem: `request_headers: ${problem}` };
    headers.set(lower, String(text));
    bytes += name.length + String(text).length;
  }
  if (bytes > mostBytes) return { problem: `request_headers must not hold more than ${mostBytes} bytes` };
  return { headers: Object.fromEntries(headers) };
}

function headerProblem(name: string, value: unknown): string | undefined {
  if (name.length > longestName || !nameForm.test(name)) return 'a name is not that of a header';
  if (ownNames.has(name)) return `"${name}" is set by Keyward itself`;
  if (keyHeaderNames.has(name) || name.split(/[-_.]/).some((part) => credentialPart.test(part)))
    return `"${name}" would carry a credential, and they are not encrypted; only the stored key is`;
  if (typeof value !== 'string') return `the value of "${name}" must be a string`;
  if (!valueForm.test(value))
    return `the value of "${name}" must be printable ASCII without blanks around it`;
  return undefined;
}
