/**
 * Tells those who look at the page what has changed, whoever changed it and on whichever instance: while
 * somebody listens, the marks of all topics are read every second and compared. Whoever has just come is told
 * of all topics after the first look: what changed between its reading and its listening nobody else would say.
 */
import { readAlertMark } from '../alerts/change-mark.ts';
import { readHead } from '../audit/append-events.ts';
import { RecurringWork } from '../foundation/recurring-work.ts';
import { readKeyMarks } from '../keys/change-marks.ts';
import type { AdminApiParts } from './admin-api-parts.ts';

export const topics = ['keys', 'health', 'alerts', 'audit'] as const;
export type Topic = (typeof topics)[number];

interface Listener {
  readonly onChanged: (changed: readonly Topic[]) => void;
  /** The server stops. */
  readonly onEnd: () => void;
}

const lookMs = 1_000;

export class ChangeFeed {
  readonly #parts: Pick<AdminApiParts, 'database' | 'stopping' | 'log'>;
  readonly #listeners = new Set<Listener>();
  /** Those for whom nobody has looked yet. */
  readonly #newcomers = new Set<Listener>();
  #work: RecurringWork | undefined;
  #marks: Partial<Record<Topic, string>> = {};

  constructor(parts: Pick<AdminApiParts, 'database' | 'stopping' | 'log'>) {
    this.#parts = parts;
  }

  /** @returns what ends the listening */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#newcomers.add(listener);
    this.#work ??= this.#startLooking();
    return () => {
      this.#listeners.delete(listener);
      this.#newcomers.delete(listener);
      if (this.#listeners.size > 0) return;
      void this.#work?.stop();
      this.#work = undefined;
      // What changes while nobody listens is news to nobody: whoever comes next is told of everything.
      this.#marks = {};
    };
  }

  #startLooking(): RecurringWork {
    const work = new RecurringWork({
      run: async () => this.#look(),
      everyMs: lookMs,
      pauseMs: lookMs,
      longestWaitMs: 10_000,
      onFailed: (error) => this.#parts.log.debug({ err: error }, 'the page cannot be told of changes yet'),
      onRecovered: () => undefined,
    });
    work.wake();
    return work;
  }

  async #look(): Promise<void> {
    if (this.#parts.stopping()) {
      for (const { onEnd } of this.#listeners) onEnd();
      return;
    }
    const newcomers = new Set(this.#newcomers);
    const db = this.#parts.database.kysely;
    const marks: Record<Topic, string> = {
      ...(await readKeyMarks(db)),
      alerts: await readAlertMark(db),
      audit: String((await readHead(db))?.sequence ?? 0),
    };
    const changed = topics.filter(
      (topic) => this.#marks[topic] !== undefined && this.#marks[topic] !== marks[topic],
    );
    this.#marks = marks;
    for (const listener of this.#listeners) {
      const told = newcomers.has(listener) ? topics : changed;
      if (told.length > 0) listener.onChanged(told);
      if (newcomers.has(listener)) this.#newcomers.delete(listener);
    }
  }
}
