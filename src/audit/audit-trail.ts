/**
 * The one way to change what is audited: the change and its events are one transaction, so that neither
 * stands without the other.
 */
import type { KeyObject } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import { settleRevision } from '../database/revision.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import { eventText, type AuditEntry, type Occasion } from './audit-event.ts';
import { openAuditKey } from './audit-key.ts';
import { chainHash, chainStart } from './chain.ts';

export interface AuditTrailParts {
  readonly db: Kysely<Tables>;
  readonly ring: KeyRing;
  readonly clock: Clock;
}

export interface Changed<T> {
  readonly value: T;
  /** The revision that the transaction made; the last one where it changed nothing that is served. */
  readonly revision: number;
}

/** Adds an event to the transaction. */
export type RecordEvent = (entry: AuditEntry) => void;

export class AuditTrail {
  readonly #parts: AuditTrailParts;
  #key: KeyObject | undefined;

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /**
   * Runs `work` in a transaction and adds the events that it records.
   * @throws KeywardError audit_unavailable when the events cannot be written; then nothing was changed
   */
  async change<T>(
    occasion: Occasion,
    work: (tx: Kysely<Tables>, record: RecordEvent) => Promise<T>,
  ): Promise<Changed<T>> {
    const key = await this.#openKey();
    return this.#parts.db.transaction().execute(async (tx) => {
      const entries: AuditEntry[] = [];
      const value = await work(tx, (entry) => entries.push(entry));
      if (entries.length > 0) await this.#append(tx, key, occasion, entries);
      return { value, revision: await settleRevision(tx) };
    });
  }

  /** Adds an event that belongs to no change. */
  async record(occasion: Occasion, entry: AuditEntry): Promise<void> {
    await this.change(occasion, async (_tx, record) => record(entry));
  }

  /** The key of the chain, for whoever proves it. */
  async key(): Promise<KeyObject> {
    return this.#openKey();
  }

  async #openKey(): Promise<KeyObject> {
    this.#key ??= await openAuditKey(this.#parts.db, this.#parts.ring);
    return this.#key;
  }

  async #append(
    tx: Kysely<Tables>,
    key: KeyObject,
    occasion: Occasion,
    entries: readonly AuditEntry[],
  ): Promise<void> {
    try {
      // The last lock but for the revision's row: whoever waits here holds nothing that the holder needs.
      await sql`SELECT FROM keyward_audit_chain FOR UPDATE`.execute(tx);
      const last = await tx
        .selectFrom('keyward_audit_events')
        .select(['sequence', 'hash'])
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst();
      let sequence = Number(last?.sequence ?? 0);
      let previousHash = last?.hash ?? chainStart;
      const rows = entries.map((entry) => {
        sequence += 1;
        const event = eventText(sequence, this.#parts.clock.now(), occasion, entry);
        const hash = chainHash(key, previousHash, event);
        const row = { sequence, event, previous_hash: previousHash, hash };
        previousHash = hash;
        return row;
      });
      await tx.insertInto('keyward_audit_events').values(rows).execute();
    } catch (error) {
      throw new KeywardError('audit_unavailable', { cause: error });
    }
  }
}
