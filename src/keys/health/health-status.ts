/**
 * How a provider's key stands, from what tests and calls have said of it: one pure function. Only proof makes a
 * key unhealthy, and only proof makes it healthy again; everything else is trouble that passes.
 */
import { isProof, type Verdict } from '../../providers/verdict.ts';

export const healthStatuses = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;

export type HealthStatus = (typeof healthStatuses)[number];

export const healthMeanings: Readonly<Record<HealthStatus, string>> = {
  healthy: 'The provider took the key, and nothing has spoken against it since.',
  degraded:
    'The last word was no proof: no credit, a rate limit, a restriction, an outage, or a network fault. The key may be good.',
  unhealthy: 'The provider has refused the key itself, and has not taken it since.',
  unknown: 'Nothing was heard of the key for two days.',
};

/** The last time that a test or a call gave this verdict. */
export interface Seen {
  readonly verdict: Verdict;
  readonly at: Date;
}

export interface Health {
  readonly status: HealthStatus;
  /** What decided; null: nothing was ever heard. */
  readonly because: Seen | null;
}

/** Two days: the daily test may be late once. */
const staleMs = 48 * 3_600_000;

/**
 * A key that was proven dead stays so until it is proven alive, however long that is: proof does not grow old.
 * @param seen what was said of the key that serves, in any order
 */
export function healthOf(seen: readonly Seen[], now: Date): Health {
  const proof = newest(seen.filter(({ verdict }) => isProof(verdict)));
  if (proof !== null && proof.verdict !== 'valid') return { status: 'unhealthy', because: proof };
  const last = newest(seen);
  if (last === null || now.getTime() - last.at.getTime() > staleMs)
    return { status: 'unknown', because: last };
  return { status: last.verdict === 'valid' ? 'healthy' : 'degraded', because: last };
}

/** Of two at the same time the one that is proof, and of two proofs the bad one: it asks for a test. */
function newest(seen: readonly Seen[]): Seen | null {
  const weight = ({ verdict }: Seen): number => (!isProof(verdict) ? 0 : verdict === 'valid' ? 1 : 2);
  return seen.reduce<Seen | null>((best, one) => {
    if (best === null || one.at > best.at) return one;
    return one.at.getTime() === best.at.getTime() && weight(one) > weight(best) ? one : best;
  }, null);
}
