/**
 * What a running server does for the trail: moves what other programs changed into it, records a change of
 * the encryption ring, and notes its head outside the database. None of it holds up a request; what fails is
 * logged and tried again.
 */
import type { KeyRing } from '../crypto/key-ring.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Anchor } from './anchor.ts';
import { absorbForeignChanges, type AbsorbParts } from './foreign-changes.ts';
import { HeadKeeper } from './head-keeper.ts';
import { recordEncryptionRing } from './record-encryption-ring.ts';
import { RecurringWork, type Job } from '../foundation/recurring-work.ts';
import { toldOnce } from './told-once.ts';

export interface AuditWatchParts extends AbsorbParts {
  readonly ring: KeyRing;
  /** null where heads are noted nowhere. */
  readonly anchor: Anchor | null;
  readonly log: Logger;
}

/** What nobody announces is found within this time; each look costs three statements. */
const auditWatchMs = 5_000;
/** Heads are noted at most this often. */
const headPauseMs = 1_000;
const longestAbsorbWaitMs = 5_000;
const longestHeadWaitMs = 60_000;
/** What the last head may take when the server ends. */
const lastHeadMs = 500;

export class AuditWatch {
  readonly #parts: AuditWatchParts;
  readonly #absorbing: RecurringWork;
  readonly #heads: HeadKeeper | null;
  readonly #noting: RecurringWork | null;
  #isStarted = false;
  #recordedKeys = '';
  #fault: string | null = null;
  #damage: string | null = null;

  constructor(parts: AuditWatchParts) {
    this.#parts = parts;
    const { anchor, log } = parts;
    this.#absorbing = new RecurringWork({
      run: async () => this.#absorb(),
      everyMs: auditWatchMs,
      pauseMs: 0,
      longestWaitMs: longestAbsorbWaitMs,
      ...toldOnce(log, 'what other programs changed cannot be recorded in the audit trail yet'),
    });
    const heads =
      anchor === null
        ? null
        : new HeadKeeper({
            ...parts,
            anchor,
            onCut: (cut, message) => this.#tellDamage(cut, message),
            onForged: (found, message) => this.#tellDamage({ found }, message),
          });
    this.#heads = heads;
    this.#noting =
      heads &&
      new RecurringWork({
        run: async () => heads.noteHead(),
        everyMs: auditWatchMs,
        pauseMs: headPauseMs,
        longestWaitMs: longestHeadWaitMs,
        ...toldOnce(log, 'the head of the audit trail cannot be anchored (AUDIT_ANCHOR)'),
      });
  }

  /** Begins to look, and goes on until `stop`. */
  start(): void {
    this.#isStarted = true;
    this.#parts.audit.onAppended(() => this.#noting?.wake());
    this.wake();
  }

  /** Something may have changed: looks now. Before the start, and after the end, it does nothing. */
  wake(): void {
    if (!this.#isStarted) return;
    this.#absorbing.wake();
    this.#noting?.wake();
  }

  /**
   * Ends the looking; notes the head a last time.
   * @param databaseAnswers false: nothing is asked of the database any more
   */
  async stop(databaseAnswers: boolean): Promise<void> {
    const over = AbortSignal.timeout(lastHeadMs);
    const last = async (): Promise<void> => {
      await Promise.all([this.#absorbing.stop(), this.#noting?.stop()]);
      if (databaseAnswers) await this.#heads?.noteHead(over);
    };
    const tooLate = new Promise<void>((resolve) => over.addEventListener('abort', () => resolve()));
    await Promise.race([
      last().catch((error: unknown) => this.#parts.log.debug({ err: error }, 'no last head')),
      tooLate,
    ]);
  }

  /** What it does again and again; heads are noted only where there is an anchor. */
  jobs(): readonly Job[] {
    const [absorbing, noting] = [this.#absorbing, this.#noting];
    return [
      { name: 'changes of other programs, into the audit trail', status: () => absorbing.status() },
      ...(noting === null
        ? []
        : [{ name: 'the head of the audit trail, into its anchor', status: () => noting.status() }]),
    ];
  }

  /** Why the trail cannot be written, or cannot be believed, as the last look found it; null while neither is so. */
  fault(): string | null {
    return this.#damage ?? this.#fault ?? this.#parts.audit.fault();
  }

  /** Stays told while this process lives: nothing that is appended later makes the trail whole again. */
  #tellDamage(details: object, message: string): void {
    this.#damage = message;
    this.#parts.log.error(details, message);
  }

  async #absorb(): Promise<void> {
    try {
      await this.#parts.audit.checkKey();
      await this.#takeIn();
      this.#fault = null;
    } catch (error) {
      // That the database does not answer is told by a check of its own.
      if (error instanceof KeywardError && error.code === 'audit_unavailable') this.#fault = error.message;
      throw error;
    }
  }

  async #takeIn(): Promise<void> {
    const { db, audit, occasion, ring, log } = this.#parts;
    const keys = ring.keyIds.join();
    if (this.#recordedKeys !== keys) await recordEncryptionRing(db, audit, occasion, ring);
    this.#recordedKeys = keys;
    const absorbed = await absorbForeignChanges(this.#parts);
    if (absorbed > 0)
      log.info({ changes: absorbed }, 'other programs changed the database: recorded in the audit trail');
  }
}
