/**
 * The clock of alerts: looks what is wrong now, makes the alerts what they should be, and works off the queue of
 * deliveries. All of it stands in the database, so that any number of instances may run it, and another one goes
 * on where one has died.
 */
import { alertPolicy } from '../alerts/alert-policy.ts';
import { applyLook, countOpen } from '../alerts/alert-store.ts';
import type { Condition } from '../alerts/condition.ts';
import { deliverDue, type DeliveryParts } from '../alerts/deliver.ts';
import { thinAlerts } from '../alerts/thin-alerts.ts';
import { RecurringWork, type WorkStatus } from '../foundation/recurring-work.ts';
import { toldOnce } from '../audit/told-once.ts';
import type { Config } from '../foundation/config.ts';
import type { AlertMetrics } from './alert-metrics.ts';

export interface AlertClockParts {
  readonly deliveries: DeliveryParts;
  readonly config: Pick<Config, 'alerts'>;
  /** What is wrong now. What it throws ends nothing: nobody knows then what is gone. */
  readonly conditions: () => Promise<readonly Condition[]>;
  /** How many providers are asked at all. */
  readonly testedProviders: () => number;
  readonly metrics: AlertMetrics;
}

/** The queue is looked at each time, what is wrong each sixth time. */
const everyMs = 5_000;
const lookEveryMs = 30_000;
const tidyEveryMs = 3_600_000;

export class AlertClock {
  readonly #parts: AlertClockParts;
  readonly #work: RecurringWork;
  #lookedAt = -Infinity;
  #tidiedAt = -Infinity;
  #previousLook: Date | null = null;

  constructor(parts: AlertClockParts) {
    this.#parts = parts;
    const { log } = parts.deliveries;
    this.#work = new RecurringWork({
      run: async () => this.tick(),
      everyMs,
      pauseMs: 500,
      firstWaitMs: everyMs,
      longestWaitMs: 30_000,
      ...toldOnce(log, 'alerts cannot be looked at or delivered'),
    });
  }

  start(): void {
    this.#work.wake();
  }

  status(): WorkStatus {
    return this.#work.status();
  }

  async stop(): Promise<void> {
    await this.#work.stop();
  }

  /** What is due: a look, when the last one was long enough ago, the queue, and once an hour what is too old. */
  async tick(): Promise<void> {
    const failure = await this.#lookIfDue().then(
      () => undefined,
      (error: unknown) => error,
    );
    // What cannot be looked at keeps no message from going out.
    while ((await deliverDue(this.#parts.deliveries)) > 0);
    if (failure !== undefined) throw failure;
    await this.#tidy();
  }

  async #lookIfDue(): Promise<void> {
    if (performance.now() - this.#lookedAt < lookEveryMs) return;
    await this.look();
    this.#lookedAt = performance.now();
  }

  async #tidy(): Promise<void> {
    const { db, clock } = this.#parts.deliveries;
    if (clock.monotonicMs() - this.#tidiedAt < tidyEveryMs) return;
    await thinAlerts(db, clock.now());
    this.#tidiedAt = clock.monotonicMs();
  }

  /** One look at all that may be wrong. */
  async look(): Promise<void> {
    const { deliveries, config, conditions, testedProviders, metrics } = this.#parts;
    const { db, clock } = deliveries;
    const seen = { conditions: await conditions(), testedProviders: testedProviders(), now: clock.now() };
    await applyLook(db, { ...seen, previousLook: this.#previousLook }, alertPolicy(config.alerts));
    this.#previousLook = seen.now;
    metrics.setOpen(await countOpen(db));
  }
}
