/**
 * The chain as a verifier reads it: in the order of the sequence, a batch at a time, the next batch on its way
 * while this one is worked on. Each batch is a statement of its own, so that a long look holds up nobody.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

export interface ChainBatch {
  /** The rows as PostgreSQL's binary COPY sends them; see ChainRows. */
  readonly bytes: Buffer;
  /** The last sequence that it holds where none is missing up to there. */
  readonly through: number;
}

/**
 * Goes on without an end: the reader stops where a batch does not reach as far as it should.
 * @param after the sequence that the first row comes after
 */
export async function* readChain(
  db: Kysely<Tables>,
  after: number,
  batchSize: number,
): AsyncGenerator<ChainBatch, void, void> {
  let through = after + batchSize;
  let next = readBatch(db, after, batchSize);
  try {
    for (;;) {
      const bytes = await next;
      next = readBatch(db, through, batchSize);
      yield { bytes, through };
      through += batchSize;
    }
  } finally {
    // Whoever stops reading has no use for it.
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

/** In this form a row costs the driver and PostgreSQL a fraction of what it costs as an object of columns. */
async function readBatch(db: Kysely<Tables>, after: number, batchSize: number): Promise<Buffer> {
  const { rows } = await sql<Buffer>`
    COPY (SELECT sequence, hash, previous_hash, event FROM keyward_audit_events
           WHERE sequence > ${sql.lit(after)} ORDER BY sequence LIMIT ${sql.lit(batchSize)})
      TO STDOUT (FORMAT binary)`.execute(db);
  const [bytes] = rows;
  if (bytes === undefined) throw new Error('COPY TO STDOUT gave no answer');
  return bytes;
}
