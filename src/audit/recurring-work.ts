/**
 * Work that is done again whenever somebody asks for it, and now and then unasked: one run at a time, a pause
 * between two, a longer one after each failure in a row.
 */
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

const usualFirstWaitMs = 1_000;

export class RecurringWork {
  readonly #parts: RecurringWorkParts;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the next run may begin. */
  #earliest = 0;
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

  /** Begins nothing more, and waits for the run that is going on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    const untilAllowed = this.#earliest - performance.now();
    this.#timer = setTimeout(
      () => {
        this.#running = this.#runOnce();
      },
      Math.max(waitMs, untilAllowed, 0),
    );
  }

  async #runOnce(): Promise<void> {
    const { run, everyMs, pauseMs, longestWaitMs, onFailed, onRecovered } = this.#parts;
    const { firstWaitMs = usualFirstWaitMs } = this.#parts;
    this.#again = false;
    try {
      await run();
      if (this.#failures > 0) onRecovered();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      onFailed(error as Error);
    }
    const afterFailures =
      this.#failures === 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(this.#failures - 1, 15));
    this.#earliest = performance.now() + Math.max(pauseMs, afterFailures);
    // In the same breath as the last glance at #again: whoever asks from here on starts a run of its own.
    this.#running = undefined;
    if (!this.#stopped) this.#schedule(this.#again || this.#failures > 0 ? 0 : everyMs);
  }
}
