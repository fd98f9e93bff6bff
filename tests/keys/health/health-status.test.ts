import { expect, test } from 'vitest';
import { healthOf, type HealthStatus, type Seen } from '../../../src/keys/health/health-status.ts';
import { isProof, verdicts, type Verdict } from '../../../src/providers/verdict.ts';

const now = new Date('2026-03-29T12:00:00Z');
const ago = (hours: number): Date => new Date(now.getTime() - hours * 3_600_000);
const seen = (...pairs: readonly (readonly [Verdict, number])[]): Seen[] =>
  pairs.map(([verdict, hours]) => ({ verdict, at: ago(hours) }));

const cases: readonly (readonly [name: string, seen: Seen[], status: HealthStatus])[] = [
  ['nothing was ever heard', [], 'unknown'],
  ['valid a minute ago', seen(['valid', 0.02]), 'healthy'],
  ['valid two days ago to the minute', seen(['valid', 48]), 'healthy'],
  ['valid more than two days ago', seen(['valid', 48.1]), 'unknown'],
  ['an outage more than two days ago, and nothing since', seen(['unreachable', 50]), 'unknown'],
  ['proven dead', seen(['invalid', 1]), 'unhealthy'],
  ['found in public', seen(['compromised', 1]), 'unhealthy'],
  ['proven dead long ago: proof does not grow old', seen(['invalid', 500]), 'unhealthy'],
  ['proven dead, then an outage', seen(['invalid', 5], ['unreachable', 1]), 'unhealthy'],
  ['proven dead, then out of credit', seen(['invalid', 5], ['out_of_credit', 1]), 'unhealthy'],
  ['proven dead, then accepted', seen(['invalid', 5], ['valid', 1]), 'healthy'],
  ['accepted, then proven dead', seen(['valid', 5], ['invalid', 1]), 'unhealthy'],
  ['dead, accepted, then an outage', seen(['invalid', 9], ['valid', 5], ['unreachable', 1]), 'degraded'],
  ['accepted and proven dead at once: it is asked again', seen(['valid', 1], ['invalid', 1]), 'unhealthy'],
  ['out of credit', seen(['valid', 5], ['out_of_credit', 1]), 'degraded'],
  ['rate limited, then accepted', seen(['rate_limited', 5], ['valid', 1]), 'healthy'],
  ['an outage, in any order of the facts', seen(['unreachable', 1], ['valid', 5]), 'degraded'],
];

test.each(cases)('%s', (_, facts, status) => {
  expect(healthOf(facts, now).status).toBe(status);
});

test.each(verdicts.filter((verdict) => !isProof(verdict)))(
  '%s after a good answer degrades and never makes a key unhealthy',
  (verdict) => {
    expect(healthOf(seen(['valid', 2], [verdict, 1]), now)).toEqual({
      status: 'degraded',
      because: { verdict, at: ago(1) },
    });
  },
);
