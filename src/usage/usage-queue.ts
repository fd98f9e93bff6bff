/**
 * Takes what is known of each request off the hot path and writes it in batches. Memory is bounded: what does not fit
 * while the database is away is counted as dropped, and said.
 */
import type { Logger } from '../foundation/logger.ts';
import { RecurringWork } from '../foundation/recurring-work.ts';
import type { UsageRecord, UsageSink } from './usage-record.ts';

export interface UsageQueueParts {
  /** Writes all of them or none. @throws where the database does not take them */
  readonly write: (records: readonly UsageRecord[]) => Promise<void>;
  /** Whether what is refused would be refused again: then the rest is not kept waiting behind it. */
  readonly isUnfit: (error: unknown) => boolean;
  readonly log: Logger;
  readonly onDropped: (records: number) => void;
  readonly longest?: number;
}

const batchSize = 500;
const pauseMs = 1_000;
/** With nothing to write a run costs nothing. */
const everyMs = 3_600_000;
const longestWaitMs = 30_000;

export class UsageQueue implements UsageSink {
  readonly #parts: UsageQueueParts;
  readonly #longest: number;
  readonly #writing: RecurringWork;
  #waiting: UsageRecord[] = [];
  #dropped = 0;

  constructor(parts: UsageQueueParts) {
    this.#parts = parts;
    this.#longest = parts.longest ?? 10_000;
    this.#writing = new RecurringWork({
      run: async () => this.#flush(),
      everyMs,
      pauseMs,
      longestWaitMs,
      onFailed: (error) => this.#sayFailed(error),
      onRecovered: () => undefined,
    });
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
    this.#writing.wake();
  }

  /** Writes what waits, once, and takes no more timers. */
  async stop(): Promise<void> {
    await this.#writing.stop();
    try {
      await this.#flush();
    } catch (error) {
      this.#parts.onDropped(this.#waiting.length);
      this.#parts.log.error(
        { err: error, dropped: this.#waiting.length },
        'usage of requests is lost: it cannot be written, and the server ends',
      );
    }
  }

  /** What comes while it writes waits for the next turn: under load each write would otherwise hold a request or two. */
  async #flush(): Promise<void> {
    for (let left = this.#waiting.length; left > 0; left -= batchSize) {
      const batch = this.#waiting.slice(0, Math.min(batchSize, left));
      await this.#write(batch);
      this.#waiting = this.#waiting.slice(batch.length);
      this.#sayDropped();
    }
  }

  /** What the database does not take is found by halves, and left out. */
  async #write(records: readonly UsageRecord[]): Promise<void> {
    try {
      await this.#parts.write(records);
    } catch (error) {
      if (!this.#parts.isUnfit(error)) throw error;
      const [first] = records;
      if (records.length === 1 && first !== undefined) {
        this.#parts.onDropped(1);
        this.#parts.log.error(
          { err: error, request: first.requestId, provider: first.provider },
          'usage of a request is lost: the database does not take it',
        );
        return;
      }
      const half = Math.ceil(records.length / 2);
      await this.#write(records.slice(0, half));
      await this.#write(records.slice(half));
    }
  }

  #sayFailed(error: unknown): void {
    this.#parts.log.warn({ err: error, waiting: this.#waiting.length }, 'usage cannot be written yet');
  }

  #sayDropped(): void {
    if (this.#dropped === 0) return;
    this.#parts.log.error(
      { dropped: this.#dropped },
      'usage of requests is lost: the database was away for longer than the queue could hold',
    );
    this.#dropped = 0;
  }
}
