/** Two marks that differ whenever something has changed: of what serves, and of what is known of the keys. */
import { sql, type Kysely } from 'kysely';
import { readRevision } from '../database/revision.ts';
import type { Tables } from '../database/tables.ts';

export async function readKeyMarks(db: Kysely<Tables>): Promise<{ keys: string; health: string }> {
  const known = await sql<{ mark: string }>`
    SELECT concat_ws('/',
      (SELECT max(id) FROM keyward_key_tests),
      (SELECT max(last_seen_at) FROM keyward_live_verdicts),
      (SELECT string_agg(state, ',' ORDER BY provider_id, day) FROM keyward_daily_tests WHERE day >= current_date - 1),
      (SELECT string_agg(step, ',' ORDER BY id) FROM keyward_rotations WHERE ended_at IS NULL)) AS mark`.execute(
    db,
  );
  return { keys: String(await readRevision(db)), health: known.rows[0]?.mark ?? '' };
}
