/**
 * The re-encryption that was asked for on this instance: one at a time, in the background, slow enough that
 * callers do not notice. It keeps no state that matters: what is done is done, and the next run goes on.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { countStored } from '../keys/reencryption/count-encrypted.ts';
import { reencryptAll } from '../keys/reencryption/reencrypt.ts';
import type { AdminApiParts } from './admin-api-parts.ts';

export interface RunState {
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly startedBy: string;
  readonly reencrypted: number;
  /** How many rows are stored in all, as the run began. */
  readonly rows: number;
  /** Rows that no key of the ring opens: they were left as they are. */
  readonly setAside: number;
  readonly problem: string | null;
}

/** A batch of this pace takes the process for a few milliseconds. */
const rowsPerSecond = 2_000;

export class ReencryptionRun {
  readonly #parts: AdminApiParts;
  #state: RunState | null = null;
  #isRunning = false;
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(parts: AdminApiParts) {
    this.#parts = parts;
  }

  state(): RunState | null {
    return this.#state;
  }

  /**
   * @returns false where one is going on already
   * @throws KeywardError audit_unavailable (503)
   */
  async begin(occasion: Occasion): Promise<boolean> {
    if (this.#isRunning) return false;
    const { database, changes, clock } = this.#parts;
    // Before the first wait: two who ask at once begin one run.
    this.#isRunning = true;
    try {
      const rows = await countStored(database.kysely);
      await changes.audit.change(occasion, async (_tx, record) => {
        record({
          action: 'encryption_ring.reencryption_begun',
          target: { kind: 'encryption_ring', id: changes.ring.activeKeyId },
          after: { rows },
        });
      });
      this.#state = {
        startedAt: clock.now(),
        endedAt: null,
        startedBy: occasion.actor.name,
        reencrypted: 0,
        rows,
        setAside: 0,
        problem: null,
      };
    } catch (error) {
      this.#isRunning = false;
      throw error;
    }
    this.#running = this.#run(occasion);
    return true;
  }

  /** Ends a run that is going on, before the database is closed under it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(occasion: Occasion): Promise<void> {
    const { database, changes, clock, log } = this.#parts;
    try {
      const { reencrypted, setAside } = await reencryptAll(
        {
          db: database.kysely,
          audit: changes.audit,
          ring: changes.ring,
          fingerprinter: changes.fingerprinter,
          occasion,
        },
        {
          rowsPerSecond,
          onProgress: ({ reencrypted }) => this.#change({ reencrypted }),
          signal: this.#stopping.signal,
        },
      );
      this.#change({ reencrypted, setAside: setAside.length });
    } catch (error) {
      if (this.#stopping.signal.aborted)
        log.info('the re-encryption was stopped with the server; what is done stays done');
      else log.error({ err: error }, 'the re-encryption broke off');
      this.#change({ problem: 'It broke off; what is done stays done. Begin it again to go on.' });
    } finally {
      this.#change({ endedAt: clock.now() });
      this.#isRunning = false;
    }
  }

  #change(part: Partial<RunState>): void {
    if (this.#state !== null) this.#state = { ...this.#state, ...part };
  }
}
