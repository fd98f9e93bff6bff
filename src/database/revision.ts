/**
 * The number of the last committed change of what the gateway serves from. Triggers write it; here it is
 * only read.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

export async function readRevision(db: Kysely<Tables>): Promise<number> {
  const { revision } = await db.selectFrom('keyward_revision').select('revision').executeTakeFirstOrThrow();
  return Number(revision);
}

/** The revision that this transaction makes: its deferred triggers run now, and what they count is read. */
export async function settleRevision(tx: Kysely<Tables>): Promise<number> {
  await sql`SET CONSTRAINTS ALL IMMEDIATE`.execute(tx);
  return readRevision(tx);
}
