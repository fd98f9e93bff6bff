/**
 * The clock of rotations: takes the next step of those that go by themselves, begins those that are due, and
 * holds the keys at the providers against the ledger. What it does stands in the database, so that another
 * instance goes on where one has died; no two do the same step.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { RecurringWork, type WorkStatus } from '../foundation/recurring-work.ts';
import { toldOnce } from '../audit/told-once.ts';
import { KeywardError, messageOf } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { KeyActParts } from '../keys/key-acts.ts';
import { findProviderById, type ListedProvider } from '../keys/list-providers.ts';
import { advanceRotation } from '../keys/rotation/advance-rotation.ts';
import {
  claimRotations,
  claimSweeps,
  releaseRotation,
  type ClaimedRotation,
} from '../keys/rotation/claim-rotation.ts';
import { mintRotation } from '../keys/rotation/mint-rotation.ts';
import { findRotation } from '../keys/rotation/rotation-store.ts';
import { stopSchedule, takeDueSchedules } from '../keys/rotation/schedule-store.ts';
import { sweepProvider } from '../keys/rotation/sweep-keys.ts';

export interface RotationClockParts extends KeyActParts {
  readonly instanceId: string;
  readonly occasion: Occasion;
  readonly log: Logger;
  /** How long a made key that serves no more is left alone before it is revoked; 5 minutes where absent. */
  readonly graceSeconds?: number;
}

const everyMs = 5_000;
const schedulesEveryMs = 60_000;
const sweepEverySeconds = 300;
const defaultGraceSeconds = 300;
/** What waits for callers or for the end of the soak is looked at again so much later: it costs a statement. */
const soonSeconds = 1;
/** What waits for the provider asks it again. */
const pauseSeconds = 5;

export class RotationClock {
  readonly #parts: RotationClockParts;
  readonly #work: RecurringWork;
  #schedulesAt = -Infinity;
  #soon: NodeJS.Timeout | undefined;

  constructor(parts: RotationClockParts) {
    this.#parts = parts;
    this.#work = new RecurringWork({
      run: async () => this.tick(),
      everyMs,
      pauseMs: 500,
      // Nobody waits for it: a database that is away is asked no more often than one that answers.
      firstWaitMs: everyMs,
      longestWaitMs: 30_000,
      ...toldOnce(parts.log, 'rotations cannot go on'),
    });
  }

  start(): void {
    this.#work.wake();
  }

  /** Something may be due: looks now. */
  wake(): void {
    this.#work.wake();
  }

  status(): WorkStatus {
    return this.#work.status();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#soon);
    await this.#work.stop();
  }

  /** One look at all that is due. */
  async tick(): Promise<void> {
    const { database, instanceId } = this.#parts;
    for (const claimed of await claimRotations(database.kysely, instanceId)) await this.#advance(claimed);
    if (performance.now() - this.#schedulesAt < schedulesEveryMs) return;
    this.#schedulesAt = performance.now();
    await this.#keepSchedules();
    for (const id of await claimSweeps(database.kysely, sweepEverySeconds)) await this.#sweep(id);
  }

  async #advance(claimed: ClaimedRotation): Promise<void> {
    const { database, instanceId, occasion, log } = this.#parts;
    const row = await findProviderById(database.kysely, claimed.provider_id);
    const rotation = await findRotation(database.kysely, claimed.provider_id, { id: claimed.id });
    if (row === undefined || rotation === undefined) return;
    let didSomething = false;
    try {
      didSomething = await advanceRotation(this.#parts, occasion, row, rotation);
    } catch (error) {
      // What refuses it now, an administrator may have changed meanwhile; it is looked at again.
      if (!(error instanceof KeywardError)) throw error;
      log.warn({ provider: row.provider_slug, rotation: claimed.id, err: error }, 'a rotation cannot go on');
    } finally {
      const waitsForProvider = rotation.step === 'staged' || rotation.step === 'tested';
      const waitSeconds = waitsForProvider ? pauseSeconds : soonSeconds;
      await releaseRotation(database.kysely, claimed, {
        instanceId,
        pauseSeconds: didSomething ? 0 : waitSeconds,
      });
    }
    this.#lookSoon(didSomething ? 0 : soonSeconds);
  }

  #lookSoon(seconds: number): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#work.wake(), seconds * 1_000 + 20);
  }

  async #keepSchedules(): Promise<void> {
    const { occasion, log } = this.#parts;
    const { taken, stopped } = await takeDueSchedules(this.#parts, occasion);
    for (const { providerId, why } of stopped) {
      const row = await this.#provider(providerId);
      log.error(
        { provider: row?.provider_slug, why },
        'a scheduled rotation failed, and its schedule has stopped',
      );
    }
    for (const id of taken) await this.#begin(id);
  }

  async #begin(providerId: number): Promise<void> {
    const { changes, occasion, instanceId, log } = this.#parts;
    const row = await this.#provider(providerId);
    if (row === undefined) return;
    const { provider_slug: slug } = row;
    try {
      const because = { ...occasion, reason: 'by its schedule' };
      await mintRotation(this.#parts, because, slug, { isAutomatic: true, claimedBy: instanceId });
      this.#work.wake();
    } catch (error) {
      // Somebody else was first: then there is a rotation, and the schedule waits for its end.
      if (error instanceof KeywardError && error.code === 'rotation_open') return;
      // Asked too often: the rotation stays, and goes on by itself.
      if (error instanceof KeywardError && error.retryAfterSeconds !== null) {
        log.warn({ provider: slug, err: error }, 'a scheduled rotation waits for its provider');
        return;
      }
      log.error({ provider: slug, err: error }, 'a scheduled rotation failed, and its schedule has stopped');
      await stopSchedule(changes, occasion, providerId, messageOf(error));
    }
  }

  async #sweep(providerId: number): Promise<void> {
    const { occasion, log, graceSeconds = defaultGraceSeconds } = this.#parts;
    const row = await this.#provider(providerId);
    if (row === undefined) return;
    try {
      const report = await sweepProvider(this.#parts, occasion, row, { graceSeconds });
      if (report === null) return;
      const { revoked, missing, unfindable, failures } = report;
      if (revoked.length + missing.length + unfindable.length + failures.length > 0)
        log.warn(
          { provider: row.provider_slug, revoked, missing, unfindable, failures },
          'keys at a provider',
        );
    } catch (error) {
      log.warn({ provider: row.provider_slug, err: error }, 'the keys at a provider cannot be looked at');
    }
  }

  async #provider(id: number): Promise<ListedProvider | undefined> {
    return findProviderById(this.#parts.database.kysely, id);
  }
}
