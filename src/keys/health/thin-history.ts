/**
 * The history of key tests grows thinner with age: after three months one test of a day is left for each key and
 * verdict, after thirteen months one of a month. The first test of a key stays: it says since when it is known.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';

const stages = [
  { unit: 'day', afterDays: 90 },
  { unit: 'month', afterDays: 395 },
] as const;

/** @returns how many tests were forgotten */
export async function thinKeyTests(db: Kysely<Tables>, now: Date): Promise<number> {
  let forgotten = 0n;
  for (const { unit, afterDays } of stages) {
    const { numAffectedRows } = await sql`
      DELETE FROM keyward_key_tests WHERE id IN (
        SELECT id FROM (
          SELECT id, row_number() OVER (PARTITION BY provider_slug, fingerprint ORDER BY id) AS place,
                 row_number() OVER (PARTITION BY provider_slug, fingerprint, source, verdict, date_trunc(${unit}, tested_at) ORDER BY id DESC) AS from_last
            FROM keyward_key_tests
           WHERE tested_at < ${now}::timestamp - make_interval(days => ${sql.lit(afterDays)})
        ) AS old WHERE place > 1 AND from_last > 1)`.execute(db);
    forgotten += numAffectedRows ?? 0n;
  }
  return Number(forgotten);
}
