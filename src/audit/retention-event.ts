/**
 * The event that a retention leaves: it says through which event the trail was removed and with which hash
 * that one ended, so that what is left begins with a proof.
 */
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Tables } from '../database/tables.ts';

export interface Retention {
  /** Of the event that records it. */
  readonly sequence: number;
  readonly removedThrough: number;
  /** Of the last event that was removed. */
  readonly hash: string;
  /** By provider, the fingerprint that the removed events say was stored last; null: none. */
  readonly lastKeys: Readonly<Record<string, string | null>>;
}

const retained = z.object({
  after: z.object({
    removed_through: z.int().positive(),
    hash: z.string(),
    last_keys: z.record(z.string(), z.string().nullable()).default({}),
  }),
});

/** All retentions that the trail still tells of, by how far they went. One that says nothing useful is left out. */
export async function readRetentions(db: Kysely<Tables>): Promise<Retention[]> {
  const rows = await db
    .selectFrom('keyward_audit_events')
    .select(['sequence', 'event'])
    .where('action', '=', 'audit.retention')
    .execute();
  return rows
    .flatMap(({ sequence, event }) => {
      const { success, data } = retained.safeParse(JSON.parse(event));
      if (!success) return [];
      const { removed_through: removedThrough, hash, last_keys: lastKeys } = data.after;
      return [{ sequence: Number(sequence), removedThrough, hash, lastKeys }];
    })
    .toSorted((a, b) => a.removedThrough - b.removedThrough);
}
