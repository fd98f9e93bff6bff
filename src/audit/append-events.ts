/**
 * The end of the chain, and how it grows: under the lock of the one row of keyward_audit_chain, so that
 * however many instances write, each event has one successor.
 */
import type { KeyObject } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { eventText, type AuditEntry, type Occasion } from './audit-event.ts';
import { chainHash, chainStart } from './chain.ts';

/** The newest event: whoever has noted it elsewhere can prove that nothing was cut off behind it. */
export interface Head {
  readonly sequence: number;
  readonly hash: string;
}

/** The newest event; undefined before the first. */
export async function readHead(db: Kysely<Tables>): Promise<Head | undefined> {
  const row = await db
    .selectFrom('keyward_audit_events')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : { sequence: Number(row.sequence), hash: row.hash };
}

/**
 * Takes the lock of the chain until the end of the transaction.
 * @returns the stored Fernet token of the audit key; undefined when the chain has none
 */
export async function lockChain(tx: Kysely<Tables>): Promise<string | undefined> {
  // The last lock but for the revision's row: whoever waits here holds nothing that the holder needs.
  const { rows } = await sql<{ token: string }>`
    SELECT encrypted_audit_key AS token FROM keyward_audit_chain FOR UPDATE`.execute(tx);
  return rows[0]?.token;
}

/**
 * Adds the events to the chain, in their order. The caller holds its lock.
 * @param occasion of the entries that name none of their own
 */
export async function appendEvents(
  tx: Kysely<Tables>,
  { key, now, occasion }: { readonly key: KeyObject; readonly now: Date; readonly occasion: Occasion },
  entries: readonly AuditEntry[],
): Promise<void> {
  const head = await readHead(tx);
  let sequence = head?.sequence ?? 0;
  let previousHash = head?.hash ?? chainStart;
  const rows = entries.map((entry) => {
    sequence += 1;
    const event = eventText(sequence, entry.occurredAt ?? now, entry.occasion ?? occasion, entry);
    const hash = chainHash(key, previousHash, event);
    const row = { sequence, event, previous_hash: previousHash, hash };
    previousHash = hash;
    return row;
  });
  await tx.insertInto('keyward_audit_events').values(rows).execute();
}
