/** Which instance takes the next step of a rotation that goes by itself: one at a time, and another one when it dies. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';

/** Longer than any step takes. */
const claimSeconds = 60;

export interface ClaimedRotation {
  readonly id: string;
  readonly provider_id: number;
}

/**
 * The open rotations that nobody works on and that have a step to take without being asked, for this instance
 * from now on: the automatic ones, and those whose key was being made when a process ended. One statement.
 */
export async function claimRotations(db: Kysely<Tables>, instanceId: string): Promise<ClaimedRotation[]> {
  const { rows } = await sql<ClaimedRotation>`
    UPDATE keyward_rotations SET claimed_by = ${instanceId}, claimed_until = now() AT TIME ZONE 'UTC' + make_interval(secs => ${sql.lit(claimSeconds)})
     WHERE id IN (SELECT id FROM keyward_rotations
                   WHERE ended_at IS NULL AND (is_automatic OR step = 'minting')
                     AND (claimed_until IS NULL OR claimed_until <= now() AT TIME ZONE 'UTC'
                          OR claimed_by IS NOT NULL AND claimed_by NOT IN (SELECT id FROM keyward_instances WHERE seen_at > now() AT TIME ZONE 'UTC' - interval '15 seconds'))
                   ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED)
    RETURNING id, provider_id`.execute(db);
  return rows;
}

/** @returns whether the key of this rotation is still to be made, and by whoever asks: nobody else does meanwhile */
export async function claimMinting(db: Kysely<Tables>, id: string): Promise<boolean> {
  const { rows } = await sql`
    UPDATE keyward_rotations SET claimed_by = NULL, claimed_until = now() AT TIME ZONE 'UTC' + make_interval(secs => ${sql.lit(claimSeconds)})
     WHERE id = ${id} AND step = 'minting' AND (claimed_until IS NULL OR claimed_until <= now() AT TIME ZONE 'UTC')
    RETURNING id`.execute(db);
  return rows.length === 1;
}

/** Others may take it again, after so many seconds. */
export async function releaseRotation(
  db: Kysely<Tables>,
  { id }: ClaimedRotation,
  { instanceId, pauseSeconds }: { readonly instanceId: string; readonly pauseSeconds: number },
): Promise<void> {
  await sql`
    UPDATE keyward_rotations SET claimed_until = now() AT TIME ZONE 'UTC' + make_interval(secs => ${pauseSeconds})
     WHERE id = ${id} AND claimed_by = ${instanceId} AND ended_at IS NULL`.execute(db);
}

/** The providers whose keys were not held against the ledger for so long, for this instance to do now. */
export async function claimSweeps(db: Kysely<Tables>, everySeconds: number): Promise<number[]> {
  const { rows } = await sql<{ provider_id: number }>`
    UPDATE keyward_management_keys SET swept_at = now() AT TIME ZONE 'UTC'
     WHERE provider_id IN (SELECT provider_id FROM keyward_management_keys
                            WHERE swept_at IS NULL OR swept_at <= now() AT TIME ZONE 'UTC' - make_interval(secs => ${everySeconds})
                            FOR UPDATE SKIP LOCKED)
    RETURNING provider_id`.execute(db);
  return rows.map((row) => row.provider_id);
}
