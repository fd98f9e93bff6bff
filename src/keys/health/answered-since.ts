/**
 * Stored keys that are marked dead while calls with them are answered: the mark stays until the next test, and
 * whoever reads it hears of the calls too.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { nameOfKey, readEvidence } from './evidence.ts';
import { healthOf } from './health-status.ts';

export interface MarkedKey {
  readonly slug: string;
  /** Of the stored key; undefined where it cannot be read. */
  readonly fingerprint: string | undefined;
  /** The column api_key_test_status. */
  readonly testStatus: string | null;
}

/** By slug, when a call was last answered with a key that is marked dead and was taken since; the others are missing. */
export async function readAnsweredSince(
  db: Kysely<Tables>,
  keys: readonly MarkedKey[],
  now: Date,
): Promise<ReadonlyMap<string, Date>> {
  const dead = keys.flatMap(({ slug, fingerprint, testStatus }) =>
    testStatus === 'invalid' && fingerprint !== undefined ? [{ slug, fingerprint }] : [],
  );
  if (dead.length === 0) return new Map();
  const evidence = await readEvidence(db, dead);
  return new Map(
    dead.flatMap((key): [string, Date][] => {
      const seen = evidence.get(nameOfKey(key)) ?? [];
      const answers = seen.flatMap(({ verdict, at }) => (verdict === 'valid' ? [at.getTime()] : []));
      const isDead = healthOf(seen, now).status === 'unhealthy';
      return isDead || answers.length === 0 ? [] : [[key.slug, new Date(Math.max(...answers))]];
    }),
  );
}
