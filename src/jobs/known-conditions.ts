/**
 * What is wrong now, as conditions with their words: what, why, what serves in the meantime and what mends it.
 * The same trouble has the same cause each time.
 */
import type { AlertDetails, Condition, Severity } from '../alerts/condition.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import { requestsLastHour } from '../keys/instances.ts';
import type { KeyActParts } from '../keys/key-acts.ts';
import {
  readTroubles,
  type Coming,
  type Trouble,
  type TroubleKind,
  type Troubles,
} from '../keys/troubles.ts';

interface Wording {
  readonly severity: Severity;
  readonly what: (slug: string) => string;
  readonly command: (slug: string) => string;
}

const wordings: Readonly<Record<Exclude<TroubleKind, 'daily_test_missed'>, Wording>> = {
  key_dead: {
    severity: 'critical',
    what: (slug) => `The provider refuses the key of ${slug}.`,
    command: (slug) => `keyward keys set ${slug}`,
  },
  key_out_of_credit: {
    severity: 'critical',
    what: (slug) => `The key of ${slug} is alive, but there is no credit behind it.`,
    command: (slug) => `keyward keys test ${slug}`,
  },
  key_unreadable: {
    severity: 'critical',
    what: (slug) => `The stored key of ${slug} cannot be decrypted.`,
    command: (slug) => `keyward keys set ${slug}`,
  },
  provider_unreachable: {
    severity: 'warning',
    what: (slug) => `${slug} does not answer.`,
    command: (slug) => `keyward keys test ${slug}`,
  },
  rotation_rolled_back: {
    severity: 'warning',
    what: (slug) => `The new key of ${slug} was given up, and the old one serves again.`,
    command: (slug) => `keyward keys rotation show ${slug}`,
  },
  rotation_schedule_stopped: {
    severity: 'warning',
    what: (slug) => `The key of ${slug} is not rotated by its schedule any more.`,
    command: (slug) => `keyward keys rotation show ${slug}`,
  },
};

/**
 * Looks at the database, and at what this instance serves.
 * @param auditFault why the trail cannot be written; null while it can
 */
export async function lookAround(
  parts: KeyActParts,
  snapshot: Snapshot,
  auditFault: string | null,
): Promise<Condition[]> {
  const conditions = conditionsOf(await readTroubles(parts, snapshot), snapshot, auditFault);
  if (!conditions.some(({ kind }) => hitsCallers.has(kind))) return conditions;
  return withRequests(conditions, await requestsLastHour(parts.database.kysely));
}

/** What calls fail of, or will; of an age, whom a rotation touches. */
const hitsCallers: ReadonlySet<string> = new Set([
  'key_dead',
  'key_out_of_credit',
  'key_unreadable',
  'provider_unreachable',
  'rotation_rolled_back',
  'key_expires',
  'key_cut_off',
  'key_due',
  'key_overdue',
]);

/** @param requests of the last hour, by slug */
export function withRequests(
  conditions: readonly Condition[],
  requests: ReadonlyMap<string, number>,
): Condition[] {
  return conditions.map((condition) => {
    const { kind, details } = condition;
    if (details.provider === undefined || !hitsCallers.has(kind)) return condition;
    return { ...condition, details: { ...details, requestsLastHour: requests.get(details.provider) ?? 0 } };
  });
}

/** @param auditFault as in lookAround */
export function conditionsOf(
  { troubles, coming }: Troubles,
  snapshot: Snapshot,
  auditFault: string | null,
): Condition[] {
  const missed = troubles.filter(({ kind }) => kind === 'daily_test_missed');
  return [
    ...troubles.flatMap((trouble) => conditionOf(trouble, snapshot)),
    ...coming.map((one) => conditionOfDate(one, snapshot)),
    ...(missed.length === 0 ? [] : [missedTests(missed)]),
    ...(auditFault === null ? [] : [auditUnwritable(auditFault)]),
  ];
}

/** That a rotation is due and that it is overdue are one thing to hear of: the worse of the two. */
function conditionOfDate({ warning, providerId, slug, owner }: Coming, snapshot: Snapshot): Condition {
  const { kind, severity, stage, message, advice, at } = warning;
  const what = kind === 'key_due' || kind === 'key_overdue' ? 'key_age' : kind;
  return {
    cause: slug === null ? what : `${what}:${slug}`,
    kind,
    severity,
    providerId,
    details: {
      what: message,
      stage,
      ...(slug !== null && { provider: slug }),
      ...(owner !== null && { owner }),
      ...(stage === 0 && { since: at.toISOString() }),
      ...(slug !== null && { serves: keyOf(slug, snapshot).words }),
      command: advice,
    },
  };
}

function conditionOf(
  { kind, slug, providerId, since, why: said, owner }: Trouble,
  snapshot: Snapshot,
): Condition[] {
  if (kind === 'daily_test_missed') return [];
  const { severity, what, command } = wordings[kind];
  const why = said ?? (kind === 'key_dead' ? refusedWords : null);
  const serves = servesNow(kind, slug, snapshot);
  return [
    {
      cause: `${kind}:${slug}`,
      kind,
      severity,
      providerId,
      details: {
        what: what(slug),
        ...(why !== null && { why }),
        provider: slug,
        ...(owner !== null && { owner }),
        ...(since !== null && { since: since.toISOString() }),
        ...(serves !== undefined && { serves }),
        command: command(slug),
      },
    },
  ];
}

/** Where no test that gave this verdict has left words of its own. */
const refusedWords = 'A call or a test with this key was refused as proof that it is dead.';

const aboutKeys: ReadonlySet<TroubleKind> = new Set([
  'key_dead',
  'key_out_of_credit',
  'key_unreadable',
  'provider_unreachable',
  'rotation_rolled_back',
]);

/** Which key calls are sent with in the meantime. */
function servesNow(kind: TroubleKind, slug: string, snapshot: Snapshot): string | undefined {
  if (!aboutKeys.has(kind)) return undefined;
  const { words, isRefused } = keyOf(slug, snapshot);
  return kind === 'key_dead' && isRefused ? `${words}, which is the one that is refused` : words;
}

/** isRefused: of a dead key, no other serves in its place. */
function keyOf(slug: string, { providers }: Snapshot): { words: string; isRefused: boolean } {
  const { key, source, fallback } = providers.get(slug)?.resolution ?? {};
  if (key === null || key === undefined) return { words: 'no key: calls get an error', isRefused: false };
  const words = `the key of the ${source}${key.fingerprint === undefined ? '' : ` (${key.fingerprint})`}`;
  return { words, isRefused: fallback === null };
}

/** A server that was away misses them all: that is one thing to hear of. */
function missedTests(missed: readonly Trouble[]): Condition {
  const [first] = missed;
  const isOne = missed.length === 1 && first !== undefined;
  const since = missed.flatMap((trouble) => trouble.since ?? []).toSorted((a, b) => Number(a) - Number(b))[0];
  const details: AlertDetails = {
    what: isOne
      ? `The key of ${first.slug} was not tested on its day.`
      : `The keys of ${missed.length} providers were not tested on their day.`,
    providers: missed.map(({ slug }) => slug),
    ...(since !== undefined && { since: since.toISOString() }),
    command: 'keyward health --run',
  };
  const [cause, kind] = ['daily_test_missed', 'daily_test_missed'];
  return { cause, kind, severity: 'warning', providerId: isOne ? first.providerId : null, details };
}

function auditUnwritable(fault: string): Condition {
  return {
    cause: 'audit_unwritable',
    kind: 'audit_unwritable',
    severity: 'critical',
    providerId: null,
    details: {
      what: 'The audit trail cannot be written, so nothing can be changed.',
      why: fault,
      command: 'keyward audit verify',
    },
  };
}
