/**
 * What is wrong now, as whoever looks says it: one condition for one cause, named so that the same trouble has
 * the same name each time. Nothing in it is secret.
 */

/** From the least to the worst. */
export const severities = ['info', 'warning', 'critical'] as const;

export type Severity = (typeof severities)[number];

/** Each with what it means to a person. Channels are set up by these names. */
export const alertKinds = {
  key_dead: 'The provider refuses the stored key, or the one of the environment.',
  key_out_of_credit: 'The key is alive, and there is no money behind it.',
  key_unreadable: 'A stored key cannot be decrypted with the encryption keys that are there.',
  provider_unreachable: 'The provider does not answer.',
  network: 'Many providers do not answer at once: an outage of our own network rather than theirs.',
  rotation_rolled_back: 'A new key failed after it was promoted, and the old one serves again.',
  rotation_schedule_stopped: 'Scheduled rotations of a key have stopped after one failed.',
  key_due: 'The rotation of a key is due, soon or already.',
  key_overdue: 'The rotation of a key is overdue, soon or already.',
  key_expires: 'A key ends on a known date.',
  key_cut_off: 'A provider stops taking keys of this kind on a known date.',
  encryption_key_age: 'The encryption key grows a year old.',
  daily_test_missed: 'A key was not tested on a day.',
  audit_unwritable: 'The audit trail cannot be written, so nothing can be changed.',
} as const satisfies Readonly<Record<string, string>>;

export interface AlertDetails {
  /** What is wrong, in one sentence. */
  readonly what: string;
  /** More of it, in a sentence or two. */
  readonly why?: string;
  /** Slug of the provider that it is about. */
  readonly provider?: string;
  /** Slugs of the providers, where it is about several. */
  readonly providers?: readonly string[];
  /** Who looks after it. */
  readonly owner?: string;
  /** Of a date that comes: days of the last mark that is reached, 0 once it has come. Each new one is told. */
  readonly stage?: number;
  /** When it began, ISO 8601, where that is known better than when it was noticed. */
  readonly since?: string;
  /** Whom it hits: how many requests there were in the last hour, as the servers have counted them. */
  readonly requestsLastHour?: number;
  /** What serves in the meantime. */
  readonly serves?: string;
  /** What mends it, as a command. */
  readonly command?: string;
  /** Where it is mended over HTTP or on the page: a path under PUBLIC_URL. */
  readonly path?: string;
}

export interface Condition {
  /** Names what is wrong, for example `key_dead:openrouter`. */
  readonly cause: string;
  readonly kind: string;
  readonly severity: Severity;
  /** llm_providers.id; null: of several providers, or of none. */
  readonly providerId: number | null;
  readonly details: AlertDetails;
}

export function isWorse(one: Severity, other: Severity): boolean {
  return severities.indexOf(one) > severities.indexOf(other);
}
