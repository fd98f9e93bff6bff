/** What kinds of values settings have: each a schema that says in words what it wants, and repeats no value. */
import { isIP } from 'node:net';
import { z } from 'zod';

export const wholeNumber = (fallback: number, least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be between ${least} and ${most}`)
    .default(fallback);

export const choice = <const T extends [string, ...string[]]>(values: T, fallback: T[number]) =>
  z.enum(values, `must be one of: ${values.join(', ')}`).default(fallback as never);

export const token = z
  .string()
  .min(16, 'must have at least 16 characters')
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

/** Comma-separated, in lower case, without blanks. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter(Boolean),
);

export const hostNames = list
  .refine(
    (names) => names.every((name) => /^[a-z\d_-]+(?:\.[a-z\d_-]+)*$/.test(name)),
    'must hold names without scheme and port, separated by commas',
  )
  .default([]);

const namedNetworks: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Addresses and networks in CIDR notation. A network of everybody would let every caller name its own address. */
export const networks = list
  .refine(
    (entries) => entries.every((entry) => namedNetworks.has(entry) || isNetwork(entry)),
    'must hold addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal, separated by commas; not all addresses there are',
  )
  .default([]);

function isNetwork(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) > 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

const windowPattern = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/;

export interface MinuteWindow {
  /** Minutes after midnight, UTC; the end is not in it. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** `02:00-05:00` within one day, or `off`, which is null. */
export const timeWindow = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => (text === 'off' ? null : minutesIn(text)))
    .refine(
      (window) => window === null || window.toMinute - window.fromMinute >= 1,
      'must be a time of day like 02:00-05:00, in UTC, whose end comes after its beginning, or: off',
    );

/** Of what is no window, one that is empty. */
function minutesIn(text: string): MinuteWindow {
  const [, fromHour, fromMinute, toHour, toMinute] = windowPattern.exec(text) ?? [];
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  return to <= 1_440 ? { fromMinute: from, toMinute: to } : { fromMinute: 0, toMinute: 0 };
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1h,4h,1d`: in milliseconds; `none` for no such time. */
export const durations = z
  .string()
  .regex(
    /^(?:none|[1-9]\d{0,4}[mhd](?:,[1-9]\d{0,4}[mhd])*)$/,
    'must be times such as 1h,4h,1d in minutes, hours or days, or: none',
  )
  .transform((text) =>
    text === 'none'
      ? []
      : text.split(',').map((time) => Number(time.slice(0, -1)) * (unitMs[time.slice(-1)] ?? 0)),
  );

/** Scheme, host and port, and nothing more. */
export const origin = z
  .string()
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  }, 'must be an origin such as https://keyward.example.com, without a path')
  .transform((text) => new URL(text).origin);

/** An address that secrets are sent to or come from: https, or http on this machine. */
export const secureUrl = z
  .string()
  .refine(
    isSecureUrl,
    'must be an https address without query; http only for localhost and loopback addresses',
  );

/** Where the identity provider sends people back to, on this server. */
export const signInCallbackPath = '/api/v1/admin/session/oidc/callback';

export const callbackUrl = secureUrl.refine(
  (url) => url.endsWith(signInCallbackPath),
  `must end with ${signInCallbackPath}`,
);

function isSecureUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

/** @param hostname as URL gives it */
function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
