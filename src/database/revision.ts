/**
 * The number of the last committed change of what the gateway serves from. Triggers write it, and whoever changes
 * what serves in a table that has none.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

export async function readRevision(db: Kysely<Tables>): Promise<number> {
  const { revision } = await db.selectFrom('keyward_revision').select('revision').executeTakeFirstOrThrow();
  return Number(revision);
}

/**
 * As the triggers do it, for a change that none of them sees. Call it when the events of the change are written:
 * the row of the revision is the last lock that a writer takes.
 */
export async function moveRevision(tx: Kysely<Tables>): Promise<void> {
  await sql`
    UPDATE keyward_revision SET revision = revision + 1, changed_by = pg_current_xact_id()
     WHERE changed_by IS DISTINCT FROM pg_current_xact_id()`.execute(tx);
  await sql`SELECT pg_notify('keyward_revision', '')`.execute(tx);
}

/** The revision that this transaction makes: its deferred triggers run now, and what they count is read. */
export async function settleRevision(tx: Kysely<Tables>): Promise<number> {
  await sql`SET CONSTRAINTS ALL IMMEDIATE`.execute(tx);
  return readRevision(tx);
}
