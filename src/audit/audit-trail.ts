/**
 * The one way to change what is audited: the change and its events are one transaction, so that neither
 * stands without the other.
 */
import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import { settleRevision } from '../database/revision.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import { appendEvents, lockChain } from './append-events.ts';
import type { AuditEntry, Occasion } from './audit-event.ts';
import { auditKeyIsGone, ensureAuditKey, openAuditKey, readAuditKeyToken } from './audit-key.ts';

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

/** Writes what was recorded so far before the work goes on; the rest is written when the work is done. */
type WriteEvents = () => Promise<void>;

type Work<T> = (tx: Kysely<Tables>, record: RecordEvent, write: WriteEvents) => Promise<T>;

export class AuditTrail {
  readonly #parts: AuditTrailParts;
  #opened: { readonly token: string; readonly key: KeyObject } | undefined;
  #onAppended: () => void = () => undefined;
  #fault: string | null = null;

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /**
   * Runs `work` in a transaction and adds the events that it records.
   * @throws KeywardError audit_unavailable when the events cannot be written; then nothing was changed
   */
  async change<T>(occasion: Occasion, work: Work<T>): Promise<Changed<T>> {
    const { db, ring } = this.#parts;
    if (this.#opened === undefined) await ensureAuditKey(db, ring);
    let appended = false;
    const changed = await db.transaction().execute(async (tx) => {
      const pending: AuditEntry[] = [];
      const write = async (): Promise<void> => {
        const entries = pending.splice(0);
        if (entries.length === 0) return;
        await this.#append(tx, occasion, entries);
        appended = true;
      };
      const value = await work(tx, (entry) => pending.push(entry), write);
      await write();
      return { value, revision: await settleRevision(tx) };
    });
    if (appended) this.#onAppended();
    return changed;
  }

  /** Adds an event that belongs to no change. */
  async record(occasion: Occasion, entry: AuditEntry): Promise<void> {
    await this.change(occasion, async (_tx, record) => record(entry));
  }

  /**
   * Looks whether the key is there that the next event would be written under, and writes nothing.
   * @throws KeywardError audit_unavailable that names what is wrong with it
   */
  async checkKey(): Promise<void> {
    const { db, ring } = this.#parts;
    const token = await readAuditKeyToken(db);
    if (token === undefined) await ensureAuditKey(db, ring);
    else this.#keyIn(token);
  }

  /** Why the last event could not be written; null where it could, and before there was one. */
  fault(): string | null {
    return this.#fault;
  }

  /** Calls `listener` after every transaction of this process that added events; there is one listener. */
  onAppended(listener: () => void): void {
    this.#onAppended = listener;
  }

  async #append(tx: Kysely<Tables>, occasion: Occasion, entries: readonly AuditEntry[]): Promise<void> {
    try {
      const token = await lockChain(tx);
      if (token === undefined) throw auditKeyIsGone();
      const now = this.#parts.clock.now();
      await appendEvents(tx, { key: this.#keyIn(token), now, occasion }, entries);
      this.#fault = null;
    } catch (error) {
      const fault =
        error instanceof KeywardError ? error : new KeywardError('audit_unavailable', { cause: error });
      this.#fault = fault.message;
      throw fault;
    }
  }

  /** Decrypted anew when the token is another: the audit key was re-encrypted, or belongs to another trail. */
  #keyIn(token: string): KeyObject {
    if (this.#opened?.token !== token) this.#opened = { token, key: openAuditKey(token, this.#parts.ring) };
    return this.#opened.key;
  }
}
