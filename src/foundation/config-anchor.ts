/**
 * Where the head of the audit trail is noted outside the database, from the values of AUDIT_ANCHOR and its
 * companions; and what is wrong with them together.
 */
import { resolve } from 'node:path';
import { Secret } from './secret.ts';

export type AnchorConfig =
  | { readonly kind: 'off' }
  | { readonly kind: 'log' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: Secret };

interface AnchorValues {
  readonly AUDIT_ANCHOR?: AnchorConfig['kind'] | undefined;
  readonly AUDIT_ANCHOR_FILE?: string | undefined;
  readonly AUDIT_ANCHOR_URL?: string | undefined;
  readonly AUDIT_ANCHOR_SECRET?: string | undefined;
}

/** A file beside an embedded database is better than nothing; beside a real one it would lie on some instance. */
export function anchorConfig(
  values: AnchorValues,
  { dataDirectory, isEmbedded }: { readonly dataDirectory: string; readonly isEmbedded: boolean },
): AnchorConfig {
  const kind = values.AUDIT_ANCHOR ?? (isEmbedded || values.AUDIT_ANCHOR_FILE !== undefined ? 'file' : 'log');
  if (kind === 'file')
    return { kind, path: resolve(values.AUDIT_ANCHOR_FILE ?? `${dataDirectory}/audit-heads.jsonl`) };
  if (kind !== 'webhook') return { kind };
  const { AUDIT_ANCHOR_URL: url = '', AUDIT_ANCHOR_SECRET: secret = '' } = values;
  return { kind, url, secret: new Secret(secret) };
}

/** What the variables say that they cannot mean together. */
export function anchorFaults(values: Readonly<Record<string, string | undefined>>): string[] {
  const { AUDIT_ANCHOR: kind, LOG_LEVEL: level = 'info' } = values;
  const faults: string[] = [];
  for (const [name, of] of [
    ['AUDIT_ANCHOR_FILE', 'file'],
    ['AUDIT_ANCHOR_URL', 'webhook'],
    ['AUDIT_ANCHOR_SECRET', 'webhook'],
  ] as const) {
    const isGiven = values[name] !== undefined;
    if (kind === of && of === 'webhook' && !isGiven) faults.push(`AUDIT_ANCHOR=webhook needs ${name}.`);
    const isWanted = kind === of || (kind === undefined && of === 'file');
    if (isGiven && !isWanted) faults.push(`${name} is set, but AUDIT_ANCHOR is not ${of}.`);
  }
  if (kind === 'log' && !loudEnough.has(level))
    faults.push('AUDIT_ANCHOR=log needs LOG_LEVEL=info or lower: the heads are lines of that level.');
  return faults;
}

const loudEnough: ReadonlySet<string> = new Set(['info', 'debug', 'trace']);

/** TLS, unless it does not leave the machine. */
export function isAnchorUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname));
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** As standardwebhooks.com has it: 24 to 64 bytes in base64, with `whsec_` before them or not. */
export function isWebhookSecret(text: string): boolean {
  const encoded = text.replace(/^whsec_/, '');
  const bytes = Buffer.from(encoded, 'base64').length;
  return /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) && bytes >= 24 && bytes <= 64;
}
