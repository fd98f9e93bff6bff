/**
 * The chain as a verifier reads it: rows in the order of their sequence, a batch at a time, the next batch on
 * its way while this one is worked on. Each batch is a statement of its own, so that a long look holds up
 * nobody.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

export interface ChainRow {
  /** BIGINT as text. */
  readonly sequence: string;
  readonly event: string;
  readonly previous_hash: string;
  readonly hash: string;
}

/** @param after the sequence that the first row comes after */
export async function* readChain(
  db: Kysely<Tables>,
  after: string,
  batchSize: number,
): AsyncGenerator<readonly ChainRow[], void, void> {
  let next = readBatch(db, after, batchSize);
  try {
    for (;;) {
      const rows = await next;
      const last = rows.at(-1);
      if (last === undefined) return;
      next = rows.length < batchSize ? Promise.resolve([]) : readBatch(db, last.sequence, batchSize);
      yield rows;
    }
  } finally {
    // Whoever stops reading early has no use for it.
    await next.catch(() => undefined);
  }
}

/** The smallest sequence; undefined when there is no event. */
export async function readFirstSequence(db: Kysely<Tables>): Promise<string | undefined> {
  const row = await db
    .selectFrom('keyward_audit_events')
    .select('sequence')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  return row?.sequence;
}

async function readBatch(db: Kysely<Tables>, after: string, batchSize: number): Promise<readonly ChainRow[]> {
  return db
    .selectFrom('keyward_audit_events')
    .select(['sequence', 'event', 'previous_hash', 'hash'])
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(batchSize)
    .execute();
}
