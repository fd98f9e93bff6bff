/**
 * One outage is one alert: where many providers do not answer at once, the network is what is wrong, and what
 * is said of each of them says nothing.
 */
import type { Condition } from './condition.ts';

const unreachable = 'provider_unreachable';
export const network = 'network';

const fewest = 3;

export interface Correlated {
  readonly conditions: readonly Condition[];
  /** Causes that another condition explains: nobody is told of them, and they are not over either. */
  readonly covered: ReadonlySet<string>;
}

/**
 * @param testedProviders how many providers are asked at all
 * @param networkIsOpen an alert of the network is open: whoever recovers last from it is no news
 */
export function correlate(
  conditions: readonly Condition[],
  { testedProviders, networkIsOpen }: { testedProviders: number; networkIsOpen: boolean },
): Correlated {
  const silent = conditions.filter(({ kind }) => kind === unreachable);
  const isOutage = silent.length >= Math.max(fewest, Math.ceil(testedProviders / 2));
  if (!isOutage && !networkIsOpen) return { conditions, covered: new Set() };
  const others = conditions.filter(({ kind }) => kind !== unreachable);
  return {
    conditions: isOutage ? [...others, outageOf(silent, testedProviders)] : others,
    covered: new Set(silent.map(({ cause }) => cause)),
  };
}

function outageOf(silent: readonly Condition[], testedProviders: number): Condition {
  const providers = silent.flatMap(({ details: { provider } }) => provider ?? []).toSorted();
  const [since] = silent.flatMap(({ details }) => details.since ?? []).toSorted();
  const requests = silent.flatMap(({ details: { requestsLastHour } }) => requestsLastHour ?? []);
  return {
    cause: network,
    kind: network,
    severity: 'critical',
    providerId: null,
    details: {
      what: `${silent.length} of ${Math.max(testedProviders, silent.length)} providers do not answer.`,
      why: 'So many at once point to the network of this installation: its way out, its DNS, a proxy. It says nothing of any key.',
      providers,
      ...(since !== undefined && { since }),
      ...(requests.length > 0 && { requestsLastHour: requests.reduce((sum, count) => sum + count, 0) }),
      ...(providers[0] !== undefined && { command: `keyward keys test ${providers[0]}` }),
    },
  };
}
