/**
 * What the gateway sees of rotations, on its way to the database: how many calls each key served, and that the
 * provider refused the new one. Counting and asking cost a look-up in memory; writing goes on beside, and is
 * tried again until the database has it.
 */
import type { Kysely } from 'kysely';
import type { Occasion } from '../../audit/audit-event.ts';
import { RecurringWork, type WorkStatus } from '../../foundation/recurring-work.ts';
import type { Tables } from '../../database/tables.ts';
import { KeywardError } from '../../foundation/errors.ts';
import type { Logger } from '../../foundation/logger.ts';
import { isProof, type Verdict } from '../../providers/verdict.ts';
import type { ChangeParts } from '../change-provider.ts';
import type { KeyTrial, WhichKey } from './key-trial.ts';
import { moveRotation } from './move-rotation.ts';
import { databaseNow } from './rotation-store.ts';
import { addTraffic, type Counts } from './rotation-traffic.ts';

export interface RefusedKey {
  readonly slug: string;
  readonly trial: Pick<KeyTrial, 'rotationId' | 'stage'>;
  readonly verdict: Verdict;
  /** A sentence without secrets. */
  readonly message: string;
}

export interface RotationWatchParts {
  readonly db: Kysely<Tables>;
  readonly changes: ChangeParts;
  readonly log: Logger;
  readonly instanceId: string;
  readonly occasion: Occasion;
  /** Told when a refusal has moved a rotation. */
  readonly onMoved: () => void;
}

const everyMs = 1_000;
const pauseMs = 200;
const longestWaitMs = 2_000;

export class RotationWatch {
  readonly #parts: RotationWatchParts;
  readonly #work: RecurringWork;
  readonly #counts = new Map<string, Record<WhichKey, Counts>>();
  readonly #written = new Map<string, string>();
  /** Rotations whose new key this instance does not take first any more. */
  readonly #refused = new Set<string>();
  /** Refusals by rotation and verdict: each is told once. */
  readonly #told = new Set<string>();
  readonly #toTell = new Map<string, RefusedKey>();

  constructor(parts: RotationWatchParts) {
    this.#parts = parts;
    this.#work = new RecurringWork({
      run: async () => this.#write(),
      everyMs,
      pauseMs,
      longestWaitMs,
      onFailed: (error) => parts.log.debug({ err: error }, 'what rotations served cannot be written yet'),
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
    if (databaseAnswers) await this.#write().catch(() => undefined);
  }

  count(rotationId: string, which: WhichKey, outcome: 'good' | 'error' | 'refused'): void {
    const both = this.#counts.get(rotationId) ?? { new: none(), old: none() };
    this.#counts.set(rotationId, both);
    both[which].calls += 1;
    if (outcome !== 'good') both[which].errors += 1;
    if (outcome === 'refused') both[which].refusals += 1;
  }

  /** Whether the new key of this rotation was refused so that it is not taken first any more. */
  isRefused(rotationId: string): boolean {
    return this.#refused.has(rotationId);
  }

  /** The provider refused a call with the new key. Takes no time; the rotation is moved beside. */
  refused(refusal: RefusedKey): void {
    const { trial, verdict } = refusal;
    // While it is tried any refusal ends that; once it serves all calls, proof alone.
    if (trial.stage === 'canary' || isProof(verdict)) this.#refused.add(trial.rotationId);
    const name = `${trial.rotationId} ${trial.stage} ${verdict}`;
    if (this.#told.has(name)) return;
    this.#told.add(name);
    this.#toTell.set(name, refusal);
    this.#work.wake();
  }

  /**
   * Forgets what was refused of rotations that are in no trial any more: a canary that is begun again is tried
   * again.
   * @param inTrial the rotations that the newest snapshot serves by
   */
  keepOnly(inTrial: ReadonlySet<string>): void {
    const isOver = (name: string): boolean => !inTrial.has(name.split(' ', 1)[0] ?? '');
    for (const id of this.#refused) if (isOver(id)) this.#refused.delete(id);
    for (const name of this.#told) if (isOver(name)) this.#told.delete(name);
    for (const name of this.#toTell.keys()) if (isOver(name)) this.#toTell.delete(name);
  }

  /** Writes what was counted so far. */
  async flush(): Promise<void> {
    const { db, instanceId } = this.#parts;
    for (const [rotationId, both] of this.#counts) {
      const now = JSON.stringify(both);
      if (this.#written.get(rotationId) === now) continue;
      await addTraffic(db, instanceId, rotationId, both);
      this.#written.set(rotationId, now);
      if (both.new.calls > both.new.errors) await this.#noteGenerated(rotationId);
    }
  }

  async #write(): Promise<void> {
    for (const [name, refusal] of this.#toTell) {
      await this.#tell(refusal);
      this.#toTell.delete(name);
    }
    await this.flush();
  }

  /** The provider has answered callers with the new key: that is the proof that a promotion asks for. */
  async #noteGenerated(rotationId: string): Promise<void> {
    await this.#parts.db
      .updateTable('keyward_key_versions')
      .set({ generated_at: databaseNow })
      .where('generated_at', 'is', null)
      .where('id', 'in', (rotations) =>
        rotations
          .selectFrom('keyward_rotations')
          .select('keyward_rotations.new_version_id')
          .where('keyward_rotations.id', '=', rotationId)
          .where('step', '=', 'canary'),
      )
      .execute();
  }

  async #tell({ slug, trial, verdict, message }: RefusedKey): Promise<void> {
    const { changes, log, occasion, onMoved } = this.#parts;
    try {
      const { rotation } = await moveRotation(changes, occasion, slug, trial.rotationId, {
        command: { kind: 'refused', verdict, message },
        newKey: { last_verdict: verdict, last_tested_at: databaseNow, generated_at: null },
      });
      log.warn(
        { provider: slug, rotation: trial.rotationId, verdict, step: rotation.step },
        rotation.step === 'rolled_back'
          ? 'the new key was refused: the old one serves again'
          : 'the provider refused the new key of a rotation',
      );
      onMoved();
    } catch (error) {
      // Another instance was first, or the rotation has ended meanwhile.
      if (!(error instanceof KeywardError) || error.status >= 500) throw error;
      log.debug({ err: error }, 'a refusal came too late to move its rotation');
      onMoved();
    }
  }
}

function none(): Counts {
  return { calls: 0, errors: 0, refusals: 0 };
}
