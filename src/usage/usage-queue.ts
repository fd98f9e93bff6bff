/**
 * Takes what is known of each request off the hot path and writes it in batches. Memory is bounded: what does not fit
 * while the database is away is counted as dropped, and said.
 */
import type { Logger } from '../foundation/logger.ts';
import type { UsageRecord, UsageSink } from './usage-record.ts';

export interface UsageQueueParts {
  /** Writes all of them or none. @throws where the database does not take them */
  readonly write: (records: readonly UsageRecord[]) => Promise<void>;
  readonly log: Logger;
  readonly onDropped: (records: number) => void;
  readonly longest?: number;
}

const batchSize = 500;
const everyMs = 1_000;
const longestWaitMs = 30_000;

export class UsageQueue implements UsageSink {
  readonly #parts: UsageQueueParts;
  readonly #longest: number;
  #waiting: UsageRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #waitMs = everyMs;
  #dropped = 0;

  constructor(parts: UsageQueueParts) {
    this.#parts = parts;
    this.#longest = parts.longest ?? 10_000;
  }

  get depth(): number {
    return this.#waiting.length;
  }

  record(record: UsageRecord): void {
    if (this.#waiting.length >= this.#longest) {
      this.#dropped += 1;
      this.#parts.onDropped(1);
      return;
    }
    this.#waiting.push(record);
    this.#schedule();
  }

  /** Writes what waits, once, and takes no more timers. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running;
    clearTimeout(this.#timer);
    await this.#flush();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#running !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#flush().finally(() => {
        this.#running = undefined;
        if (this.#waiting.length > 0) this.#schedule();
      });
    }, this.#waitMs);
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, batchSize);
      try {
        await this.#parts.write(batch);
      } catch (error) {
        this.#waitMs = Math.min(this.#waitMs * 2, longestWaitMs);
        this.#parts.log.warn({ err: error, waiting: this.#waiting.length }, 'usage cannot be written yet');
        return;
      }
      this.#waiting = this.#waiting.slice(batch.length);
      this.#recovered();
    }
  }

  #recovered(): void {
    this.#waitMs = everyMs;
    if (this.#dropped === 0) return;
    this.#parts.log.error(
      { dropped: this.#dropped },
      'usage of requests is lost: the database was away for longer than the queue could hold',
    );
    this.#dropped = 0;
  }
}
