/**
 * Which channel gets which alert, and when: by severity, kind and provider, and not in its quiet hours unless
 * the alert is bad enough. Pure functions; quiet hours are UTC, which has no summer time.
 */
import { z } from 'zod';
import { alertKinds, severities, type Severity } from './condition.ts';

const kind = z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, 'must be kinds of alerts');
/** One that no alert will ever have would keep every alert from the channel. */
const knownKind = kind.refine(
  (name) => Object.hasOwn(alertKinds, name),
  `must be one of: ${Object.keys(alertKinds).join(', ')}`,
);
const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, 'must be slugs of providers');

const kindsOf = (one: typeof kind) =>
  z.array(one).max(50).default([]).describe('Only alerts of these kinds; empty: of all.');

/** As somebody enters them. */
export const channelRules = z.strictObject({
  min_severity: z.enum(severities).default('warning').describe('What is less bad is not sent there.'),
  kinds: kindsOf(knownKind),
  providers: z
    .array(slug)
    .max(200)
    .default([])
    .describe('Only alerts of these providers, and those of no single one; empty: of all.'),
  quiet_min_severity: z
    .enum(severities)
    .default('critical')
    .describe('What is at least so bad is sent in the quiet hours too.'),
});

/** As they are kept: another version of Keyward may know other kinds. */
export const keptRules = channelRules.extend({ kinds: kindsOf(kind) });

export type ChannelRules = z.output<typeof keptRules>;

/** What stands in the column; rules that nobody can read let everything through rather than nothing. */
export function readRules(value: unknown): ChannelRules {
  const read = keptRules.safeParse(value);
  return read.success ? read.data : channelRules.parse({ min_severity: 'info' });
}

/** Minutes after midnight, UTC; `to` before `from` is on the next day. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

export interface Routed {
  readonly severity: Severity;
  readonly kind: string;
  /** Slug; undefined for an alert of several providers or of none. */
  readonly provider: string | undefined;
}

export function isMeantFor(rules: ChannelRules, { severity, kind: ofKind, provider }: Routed): boolean {
  if (!isAtLeast(severity, rules.min_severity)) return false;
  if (rules.kinds.length > 0 && !rules.kinds.includes(ofKind)) return false;
  return provider === undefined || rules.providers.length === 0 || rules.providers.includes(provider);
}

/** When it may be sent: now, or when the quiet hours are over. */
export function sendAt(
  { quiet, rules }: { readonly quiet: QuietHours | null; readonly rules: ChannelRules },
  severity: Severity,
  now: Date,
): Date {
  if (quiet === null || isAtLeast(severity, rules.quiet_min_severity)) return now;
  return endOfQuiet(quiet, now) ?? now;
}

function isAtLeast(one: Severity, least: Severity): boolean {
  return severities.indexOf(one) >= severities.indexOf(least);
}

const minuteMs = 60_000;
const dayMinutes = 1_440;

/** When the quiet hours that now lies in end; null outside of them. The minute `to` is not quiet any more. */
export function endOfQuiet({ from, to }: QuietHours, now: Date): Date | null {
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
  const length = (to - from + dayMinutes) % dayMinutes;
  const passed = (minute - from + dayMinutes) % dayMinutes;
  if (passed >= length) return null;
  const startOfMinute = Math.floor(now.getTime() / minuteMs) * minuteMs;
  return new Date(startOfMinute + (length - passed) * minuteMs);
}
