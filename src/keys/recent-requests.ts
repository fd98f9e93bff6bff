/**
 * How many requests this instance got for each provider within the last hour, by the minute. Counting costs a look-up
 * and an addition; what was counted lives with the process, and its sum in the table of the instances.
 */
import type { Clock } from '../foundation/clock.ts';

const minuteMs = 60_000;
const minutesKept = 60;

interface Minutes {
  readonly counts: Uint32Array;
  /** Which minute each of them counts. */
  readonly minutes: Float64Array;
}

export class RecentRequests {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #byProvider = new Map<string, Minutes>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** A request came for this provider, whatever becomes of it. */
  count(slug: string): void {
    let counted = this.#byProvider.get(slug);
    if (counted === undefined) {
      counted = { counts: new Uint32Array(minutesKept), minutes: new Float64Array(minutesKept).fill(-1) };
      this.#byProvider.set(slug, counted);
    }
    const minute = this.#minute();
    const place = minute % minutesKept;
    const before = counted.minutes[place] === minute ? (counted.counts[place] ?? 0) : 0;
    counted.minutes[place] = minute;
    counted.counts[place] = before + 1;
  }

  /** By slug; the minute that goes on is the last of the sixty. A provider without a request may be missing. */
  lastHour(): Readonly<Record<string, number>> {
    const from = this.#minute() - minutesKept;
    return Object.fromEntries(
      Array.from(this.#byProvider, ([slug, { counts, minutes }]) => [
        slug,
        counts.reduce((sum, count, place) => sum + ((minutes[place] ?? -1) > from ? count : 0), 0),
      ]),
    );
  }

  #minute(): number {
    return Math.floor(this.#clock.monotonicMs() / minuteMs);
  }
}
