/**
 * Work that is done again whenever somebody asks for it, and now and then unasked: one run at a time, a pause
 * between two, a longer one after each failure in a row.
 */
import { messageOf } from './errors.ts';

export interface RecurringWorkParts {
  readonly run: () => Promise<void>;
  /** The time between two runs that are not asked for. */
  readonly everyMs: number;
  /** The shortest time from the end of a run to the beginning of the next. */
  readonly pauseMs: number;
  /** What the first failure makes it wait; 1 s where absent. Each further one in a row doubles it. */
  readonly firstWaitMs?: number;
  /** The longest that failures make it wait. */
  readonly longestWaitMs: number;
  readonly onFailed: (error: Error) => void;
  /** Told when a run works again after one that failed. */
  readonly onRecovered: () => void;
}

/** How it goes, in milliseconds from now, since a clock on the wall may be turned. */
export interface WorkStatus {
  /** Since the end of the last run, whether it failed or not; null: there was none. */
  readonly ranAgoMs: number | null;
  /** Until the next run begins unasked; null while one goes on, and where none is to come. */
  readonly nextInMs: number | null;
  /** What went wrong the last time; null where nothing did. */
  readonly problem: string | null;
}

/** Work by the name that people know it by. */
export interface Job {
  readonly name: string;
  readonly status: () => WorkStatus;
}

const usualFirstWaitMs = 1_000;

export class RecurringWork {
  readonly #parts: RecurringWorkParts;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the next run may begin. */
  #earliest = 0;
  #ranAt: number | null = null;
  #nextAt: number | null = null;
  #problem: string | null = null;
  #failures = 0;
  #again = false;
  #stopped = false;

  constructor(parts: RecurringWorkParts) {
    this.#parts = parts;
  }

  /** Asks for a run that begins after this call, as soon as the pause allows it. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running !== undefined) this.#again = true;
    else this.#schedule(0);
  }

  status(): WorkStatus {
    const now = performance.now();
    return {
      ranAgoMs: this.#ranAt === null ? null : now - this.#ranAt,
      nextInMs: this.#nextAt === null ? null : Math.max(0, this.#nextAt - now),
      problem: this.#problem,
    };
  }

  /** Begins nothing more, and waits for the run that is going on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#nextAt = null;
    await this.#running;
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    const inMs = Math.max(waitMs, this.#earliest - performance.now(), 0);
    this.#nextAt = performance.now() + inMs;
    this.#timer = setTimeout(() => {
      this.#running = this.#runOnce();
    }, inMs);
  }

  async #runOnce(): Promise<void> {
    const { run, everyMs, pauseMs, longestWaitMs, onFailed, onRecovered } = this.#parts;
    const { firstWaitMs = usualFirstWaitMs } = this.#parts;
    this.#again = false;
    this.#nextAt = null;
    try {
      await run();
      if (this.#failures > 0) onRecovered();
      this.#failures = 0;
      this.#problem = null;
    } catch (error) {
      this.#failures += 1;
      this.#problem = messageOf(error);
      onFailed(error as Error);
    }
    const afterFailures =
      this.#failures === 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(this.#failures - 1, 15));
    this.#ranAt = performance.now();
    this.#earliest = this.#ranAt + Math.max(pauseMs, afterFailures);
    // In the same breath as the last glance at #again: whoever asks from here on starts a run of its own.
    this.#running = undefined;
    if (!this.#stopped) this.#schedule(this.#again || this.#failures > 0 ? 0 : everyMs);
  }
}
