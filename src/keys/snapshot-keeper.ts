/**
 * Keeps the current snapshot: replaces it when the revision in the database has moved, which it learns
 * by notification, by polling, and on request. When the database is gone it keeps the last one and says so.
 */
import type { WorkStatus } from '../foundation/recurring-work.ts';
import type { Database } from '../database/database.ts';
import type { Logger } from '../foundation/logger.ts';

import { readRevision } from '../database/revision.ts';
import type { Snapshot } from './snapshot.ts';

export interface KeeperParts {
  readonly database: Database;
  readonly load: () => Promise<Snapshot>;
  readonly pollMs: number;
  readonly log: Logger;
  /** Told of every snapshot that comes into force, the first one too. */
  readonly onReplaced: (snapshot: Snapshot) => void;
}

const channel = 'keyward_revision';
const relistenMs = 1_000;
/** A database that is silent for longer counts as gone until it answers. */
const answerTimeoutMs = 5_000;

export class SnapshotKeeper {
  readonly #parts: KeeperParts;
  #current: Snapshot | undefined;
  #databaseError: string | null = null;
  #lookedAt: number | null = null;
  #running: Promise<void> | undefined;
  #again = false;
  #isStale = false;
  #poll: NodeJS.Timeout | undefined;
  #relisten: NodeJS.Timeout | undefined;
  #stopListening: (() => Promise<void>) | undefined;
  #stopped = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Reads the first snapshot, then keeps it fresh until `stop`. */
  async start(): Promise<void> {
    this.#replace(await this.#parts.load());
    await this.#listen();
    this.#poll = setInterval(() => void this.refresh(), this.#parts.pollMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#poll);
    clearTimeout(this.#relisten);
    await this.#stopListening?.().catch(() => undefined);
    await this.#running;
  }

  /** The snapshot in force. */
  current(): Snapshot {
    if (this.#current === undefined) throw new Error('the snapshot keeper was not started');
    return this.#current;
  }

  /** The polling. */
  status(): WorkStatus {
    const ranAgoMs = this.#lookedAt === null ? null : performance.now() - this.#lookedAt;
    const nextInMs = ranAgoMs === null || this.#stopped ? null : Math.max(0, this.#parts.pollMs - ranAgoMs);
    return { ranAgoMs, nextInMs, problem: this.#databaseError };
  }

  /** Why the database did not answer the last time; null when it did. */
  databaseError(): string | null {
    return this.#databaseError;
  }

  /**
   * Looks for a newer revision now. A call during a look leads to one more look after it, so that
   * whoever calls sees what was committed before the call. Never throws.
   */
  async refresh(): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#look();
    return this.#running;
  }

  /** The same where what the snapshot is made of changed outside the database: it is made anew in any case. */
  async reload(): Promise<void> {
    this.#isStale = true;
    return this.refresh();
  }

  async #look(): Promise<void> {
    do {
      this.#again = false;
      const overdue = setTimeout(
        () => this.#failed(new Error(`no answer within ${answerTimeoutMs / 1_000} s`)),
        answerTimeoutMs,
      );
      const wasStale = this.#isStale;
      try {
        const revision = await readRevision(this.#parts.database.kysely);
        if (this.#isStale || revision !== this.#current?.revision) {
          this.#isStale = false;
          this.#replace(await this.#parts.load());
        }
        this.#answered();
      } catch (error) {
        this.#isStale ||= wasStale;
        this.#failed(error as Error);
      } finally {
        clearTimeout(overdue);
        this.#lookedAt = performance.now();
      }
    } while (this.#again && !this.#stopped);
    // In the same breath as the last glance at #again: whoever calls from here on starts a look of its own.
    this.#running = undefined;
  }

  #replace(snapshot: Snapshot): void {
    this.#current = snapshot;
    this.#parts.onReplaced(snapshot);
  }

  #answered(): void {
    if (this.#databaseError !== null) this.#parts.log.info('the database answers again');
    this.#databaseError = null;
  }

  #failed(error: Error): void {
    if (this.#databaseError === null && !this.#stopped) {
      this.#parts.log.warn(
        { cause: error.message },
        'the database does not answer: serving from the last snapshot',
      );
    }
    this.#databaseError = error.message;
  }

  /** Notifications only make it sooner; without them (a pooler, a lost connection) polling finds the change. */
  async #listen(): Promise<void> {
    if (this.#stopped) return;
    const again = (): void => {
      if (!this.#stopped) this.#relisten = setTimeout(() => void this.#listen(), relistenMs);
    };
    try {
      const stopListening = await this.#parts.database.listen(channel, () => void this.refresh(), again);
      this.#stopListening = stopListening;
      if (this.#stopped) await stopListening();
      // What changed while nobody listened was not announced.
      else await this.refresh();
    } catch (error) {
      this.#parts.log.debug({ err: error }, 'cannot listen for notifications: polling only');
      again();
    }
  }
}
