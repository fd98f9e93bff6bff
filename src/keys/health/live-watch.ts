/**
 * What the gateway's calls say of keys, on its way to the database. Telling costs a look-up in memory; writing
 * goes on beside, and is tried again until the database has it. A key that was proven dead is written at once.
 */
import type { Kysely } from 'kysely';
import { RecurringWork, type WorkStatus } from '../../foundation/recurring-work.ts';
import type { Tables } from '../../database/tables.ts';
import type { Clock } from '../../foundation/clock.ts';
import type { Logger } from '../../foundation/logger.ts';
import type { Verdict } from '../../providers/verdict.ts';
import { addLiveVerdict, type LiveVerdict, type ServedKey } from './live-verdicts.ts';

export interface LiveWatchParts {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told when it is written that a key was refused. */
  readonly onRefused: () => void;
}

/** What is no proof of death may be seen so late. */
const everyMs = 30_000;
const pauseMs = 1_000;
const longestWaitMs = 30_000;

export class LiveWatch {
  readonly #parts: LiveWatchParts;
  readonly #work: RecurringWork;
  #seen = new Map<string, LiveVerdict>();

  constructor(parts: LiveWatchParts) {
    this.#parts = parts;
    this.#work = new RecurringWork({
      run: async () => this.flush(),
      everyMs,
      pauseMs,
      longestWaitMs,
      onFailed: (error) => parts.log.debug({ err: error }, 'what calls said of keys cannot be written yet'),
      onRecovered: () => undefined,
    });
  }

  start(): void {
    this.#work.wake();
  }

  status(): WorkStatus {
    return this.#work.status();
  }

  /** @param databaseAnswers false: nothing is written any more */
  async stop(databaseAnswers: boolean): Promise<void> {
    await this.#work.stop();
    if (databaseAnswers) await this.flush().catch(() => undefined);
  }

  /** A call with this key was answered so. Takes no time. */
  saw({ slug, fingerprint }: ServedKey, verdict: Verdict): void {
    const name = `${slug} ${fingerprint} ${verdict}`;
    const before = this.#seen.get(name);
    const at = this.#parts.clock.now();
    this.#seen.set(name, { slug, fingerprint, verdict, calls: (before?.calls ?? 0) + 1, at });
    if (before === undefined && isDeath(verdict)) this.#work.wake();
  }

  /** Writes what was seen so far. */
  async flush(): Promise<void> {
    const toWrite = this.#seen;
    this.#seen = new Map();
    for (const [name, seen] of toWrite) {
      try {
        await addLiveVerdict(this.#parts.db, seen);
        toWrite.delete(name);
      } catch (error) {
        this.#keep(toWrite);
        throw error;
      }
      if (isDeath(seen.verdict)) this.#parts.onRefused();
    }
  }

  /** What was not written is added to what was seen meanwhile. */
  #keep(unwritten: ReadonlyMap<string, LiveVerdict>): void {
    for (const [name, old] of unwritten) {
      const since = this.#seen.get(name);
      this.#seen.set(name, since === undefined ? old : { ...since, calls: since.calls + old.calls });
    }
  }
}

function isDeath(verdict: Verdict): boolean {
  return verdict === 'invalid' || verdict === 'compromised';
}
