/** Each trouble has one cause and words that say what serves and what mends it; nothing in them is a key. */
import { describe, expect, it } from 'vitest';
import { alertKinds } from '../../src/alerts/condition.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { conditionsOf, withRequests } from '../../src/jobs/known-conditions.ts';
import type { Coming, Trouble, TroubleKind } from '../../src/keys/troubles.ts';
import { goodResolution, servedProvider, snapshotOf } from '../support/snapshot-parts.ts';

const key = new Secret('the key itself', 'fp_0123456789ab');
const since = new Date('2026-03-01T09:00:00.000Z');
const trouble = (kind: TroubleKind, slug = 'groq'): Trouble => ({
  kind,
  slug,
  providerId: 3,
  since,
  why: 'it said so',
  owner: null,
});
const snapshot = (resolution: object = {}) =>
  snapshotOf([
    servedProvider('groq', {
      resolution: { ...goodResolution(key), reason: '', ...resolution },
    }),
  ]);

const of = (...troubles: readonly Trouble[]) => ({ troubles, coming: [] });

const coming = (
  kind: Coming['warning']['kind'],
  stage: 30 | 14 | 7 | 1 | 0,
  slug: string | null = 'groq',
): Coming => ({
  slug,
  providerId: slug === null ? null : 3,
  owner: 'the platform team',
  warning: {
    kind,
    severity: stage === 30 ? 'info' : 'warning',
    at: since,
    daysLeft: stage,
    stage,
    message: 'It is due.',
    advice: 'keyward keys rotate groq',
  },
});

describe('a condition', () => {
  it('of a date that comes names whose key it is and the mark that is reached', () => {
    expect(conditionsOf({ troubles: [], coming: [coming('key_due', 14)] }, snapshot(), null)).toEqual([
      {
        cause: 'key_age:groq',
        kind: 'key_due',
        severity: 'warning',
        providerId: 3,
        details: {
          what: 'It is due.',
          stage: 14,
          provider: 'groq',
          owner: 'the platform team',
          serves: 'the key of the database (fp_0123456789ab)',
          command: 'keyward keys rotate groq',
        },
      },
    ]);
    const both = [coming('key_due', 0), coming('key_overdue', 14), coming('encryption_key_age', 1, null)];
    expect(conditionsOf({ troubles: [], coming: both }, snapshot(), null).map(({ cause }) => cause)).toEqual([
      'key_age:groq',
      'key_age:groq',
      'encryption_key_age',
    ]);
  });

  it('of a key says how many requests there were, and one of a missed test does not', () => {
    const found = conditionsOf(
      { troubles: [trouble('key_dead'), trouble('daily_test_missed')], coming: [coming('key_due', 14)] },
      snapshot(),
      null,
    );
    const told = (requests: ReadonlyMap<string, number>) =>
      withRequests(found, requests).map(({ kind, details }) => [kind, details.requestsLastHour]);
    expect(told(new Map([['groq', 7]]))).toEqual([
      ['key_dead', 7],
      ['key_due', 7],
      ['daily_test_missed', undefined],
    ]);
    expect(told(new Map())[0]).toEqual(['key_dead', 0]);
  });

  it('of a dead key says what serves and what mends it, and holds no key', () => {
    expect(conditionsOf(of(trouble('key_dead')), snapshot(), null)).toEqual([
      {
        cause: 'key_dead:groq',
        kind: 'key_dead',
        severity: 'critical',
        providerId: 3,
        details: {
          what: 'The provider refuses the key of groq.',
          why: 'it said so',
          provider: 'groq',
          since: '2026-03-01T09:00:00.000Z',
          serves: 'the key of the database (fp_0123456789ab), which is the one that is refused',
          command: 'keyward keys set groq',
        },
      },
    ]);
  });

  it.each([
    [
      { source: 'environment', fallback: 'database_key_dead' },
      'the key of the environment (fp_0123456789ab)',
    ],
    [{ key: null, source: null }, 'no key: calls get an error'],
  ])('names what serves in the place of a dead key: %j', (resolution, serves) => {
    expect(conditionsOf(of(trouble('key_dead')), snapshot(resolution), null)[0]?.details.serves).toBe(serves);
  });

  it.each(['key_out_of_credit', 'provider_unreachable'] as const)('of %s says what serves', (kind) => {
    const [told] = conditionsOf(of(trouble(kind)), snapshot(), null);
    expect(told?.details.serves).toBe('the key of the database (fp_0123456789ab)');
  });

  it('of a dead key says why, also where no test has said so', () => {
    const told = conditionsOf(of({ ...trouble('key_dead'), why: null }), snapshot(), null);
    expect(told[0]?.details.why).toMatch(/was refused/);
  });

  it('of a date that has come begins when it came', () => {
    const told = conditionsOf({ troubles: [], coming: [coming('key_due', 0)] }, snapshot(), null);
    expect(told[0]?.details.since).toBe(since.toISOString());
  });

  it('is one for all tests that were missed', () => {
    const missed = [trouble('daily_test_missed'), trouble('daily_test_missed', 'openai')];
    expect(conditionsOf(of(...missed), snapshot(), null)).toMatchObject([
      {
        cause: 'daily_test_missed',
        providerId: null,
        details: { providers: ['groq', 'openai'], command: 'keyward health --run' },
      },
    ]);
  });

  it('of the audit trail is there while it cannot be written', () => {
    expect(conditionsOf(of(), snapshot(), 'no key opens it')).toMatchObject([
      { cause: 'audit_unwritable', severity: 'critical', details: { why: 'no key opens it' } },
    ]);
    expect(conditionsOf(of(), snapshot(), null)).toEqual([]);
  });

  it('is of a kind that is documented, and named so that no two troubles share one', () => {
    const dated = ['key_due', 'key_overdue', 'key_expires', 'key_cut_off', 'encryption_key_age'];
    const others = new Set(['network', 'audit_unwritable', ...dated]);
    const kinds = Object.keys(alertKinds).filter((kind) => !others.has(kind));
    const conditions = conditionsOf(
      of(...kinds.map((kind) => trouble(kind as TroubleKind))),
      snapshot(),
      'x',
    );
    expect(new Set(conditions.map(({ cause }) => cause)).size).toBe(conditions.length);
    expect(new Set(conditions.map(({ kind }) => kind))).toEqual(new Set([...kinds, 'audit_unwritable']));
  });
});
