/** One alert for one cause, told once, reminded ever more rarely, and resolved by itself: whatever happens in whatever order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertPolicy } from '../../src/alerts/alert-policy.ts';
import type { Condition, Severity } from '../../src/alerts/condition.ts';
import { planChanges, type Alert, type AlertEvent } from '../../src/alerts/plan-changes.ts';
import { loadConfig } from '../../src/foundation/config.ts';

const standardPolicy = alertPolicy(loadConfig({}).alerts);
const minute = 60_000;
const hour = 60 * minute;
const start = Date.parse('2026-03-01T09:00:00.000Z');

const dead = (provider: string, severity: Severity = 'critical'): Condition => ({
  cause: `key_dead:${provider}`,
  kind: 'key_dead',
  severity,
  providerId: 1,
  details: { what: `The key of ${provider} is dead.`, provider },
});
const silent = (provider: string, since?: number): Condition => ({
  cause: `provider_unreachable:${provider}`,
  kind: 'provider_unreachable',
  severity: 'warning',
  providerId: 1,
  details: {
    what: `${provider} does not answer.`,
    provider,
    ...(since !== undefined && { since: new Date(since).toISOString() }),
  },
});

/** Alerts as a database would keep them, and what was told. */
class Alerts {
  all: Alert[] = [];
  nowMs = start;
  previousLook: Date | null = null;
  told: { atMs: number; cause: string; event: AlertEvent; snoozed: boolean }[] = [];

  look(conditions: readonly Condition[], { testedProviders = 8, afterMs = 0 } = {}): (string | null)[] {
    this.nowMs += afterMs;
    const now = new Date(this.nowMs);
    const alerts = this.all.filter(
      ({ resolvedAt }) =>
        resolvedAt === null || this.nowMs - resolvedAt.getTime() <= standardPolicy.reopenWithinMs,
    );
    const look = { alerts, conditions, testedProviders, previousLook: this.previousLook };
    const changes = planChanges(look, now, standardPolicy);
    this.previousLook = now;
    for (const { id, after, event } of changes) {
      const before = this.all.find((alert) => alert.id === id);
      const alert = { ...after, id: id ?? String(this.all.length + 1) };
      this.all = [...this.all.filter((one) => one.id !== alert.id), alert];
      const { snoozedUntil = null } = before ?? {};
      if (event !== null)
        this.told.push({
          atMs: this.nowMs,
          cause: alert.cause,
          event,
          snoozed: snoozedUntil !== null && snoozedUntil > now,
        });
    }
    return changes.flatMap(({ event }) => event ?? []);
  }

  /** Looks each half minute. */
  for(durationMs: number, conditions: readonly Condition[]): (string | null)[] {
    const until = this.nowMs + durationMs;
    const events: (string | null)[] = [];
    while (this.nowMs < until) events.push(...this.look(conditions, { afterMs: minute / 2 }));
    return events;
  }

  change(cause: string, fields: Partial<Alert>): void {
    this.all = this.all.map((alert) =>
      alert.cause === cause && alert.resolvedAt === null ? { ...alert, ...fields } : alert,
    );
  }

  get open(): string[] {
    return this.all.filter(({ resolvedAt }) => resolvedAt === null).map(({ cause }) => cause);
  }
}

describe('an alert', () => {
  it('is opened once, and resolved once its cause is gone for a while', () => {
    const alerts = new Alerts();
    expect(alerts.look([dead('groq')])).toEqual(['opened']);
    expect(alerts.for(10 * minute, [dead('groq')])).toEqual([]);
    expect(alerts.for(4.5 * minute, [])).toEqual([]);
    expect(alerts.look([], { afterMs: minute / 2 })).toEqual(['resolved']);
    expect(alerts.look([], { afterMs: minute })).toEqual([]);
    expect(alerts.all).toHaveLength(1);
  });

  it('of a cause that is named twice is one, as bad as the worse', () => {
    const alerts = new Alerts();
    expect(alerts.look([dead('groq', 'info'), dead('groq'), dead('groq', 'warning')])).toEqual(['opened']);
    expect(alerts.all).toMatchObject([{ severity: 'critical' }]);
  });

  it('is told again when it becomes worse, and not when it becomes better', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq', 'warning')]);
    expect(alerts.look([dead('groq', 'critical')], { afterMs: minute })).toEqual(['updated']);
    expect(alerts.look([dead('groq', 'warning')], { afterMs: minute })).toEqual([]);
    expect(alerts.all).toMatchObject([{ severity: 'warning' }]);
  });

  it('is reminded of after 1 h, 4 h, a day, and then weekly', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.for(24 * 24 * hour, [dead('groq')]);
    const hours = alerts.told.map(({ atMs, event }) => [event, (atMs - start) / hour]);
    expect(hours).toEqual([
      ['opened', 0],
      ['reminder', 1],
      ['reminder', 5],
      ['reminder', 29],
      ['reminder', 29 + 168],
      ['reminder', 29 + 336],
      ['reminder', 29 + 504],
    ]);
  });

  it('that only informs is not reminded of', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq', 'info')]);
    expect(alerts.for(48 * hour, [dead('groq', 'info')])).toEqual([]);
  });

  it('that somebody sees to is not reminded of, and its end is told', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.change('key_dead:groq', { acknowledgedAt: new Date(start), nextReminderAt: null });
    expect(alerts.for(48 * hour, [dead('groq')])).toEqual([]);
    expect(alerts.for(6 * minute, [])).toEqual(['resolved']);
  });

  it('is silent while snoozed, and reminds once the snooze has ended by itself', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq', 'warning')]);
    const until = new Date(start + 3 * hour);
    alerts.change('key_dead:groq', { snoozedUntil: until, nextReminderAt: until });
    expect(alerts.for(3 * hour - minute, [dead('groq')])).toEqual([]);
    expect(alerts.for(minute, [dead('groq')])).toEqual(['reminder']);
  });

  it('that ends while it is snoozed ends without a word', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.change('key_dead:groq', { snoozedUntil: new Date(start + 3 * hour) });
    expect(alerts.for(hour, [])).toEqual([]);
    expect(alerts.open).toEqual([]);
    // What was put off is over: the same again is news.
    expect(alerts.for(minute, [dead('groq')])).toEqual(['updated']);
  });
});

describe('a cause that flaps', () => {
  it('is not one that nobody looked at for a while', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.previousLook = null;
    alerts.look([dead('groq')], { afterMs: 30 * minute });
    expect(alerts.all).toMatchObject([{ occurrences: 1 }]);
  });

  it('opens the same alert again, tells so once, and is told at most once an hour', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    const round = (): (string | null)[] => [
      ...alerts.for(6 * minute, []),
      ...alerts.for(2 * minute, [dead('groq')]),
    ];
    expect(round()).toEqual(['resolved', 'updated']);
    const reopenedMs = alerts.told.at(-1)?.atMs ?? 0;
    const rounds = Array.from({ length: 30 }, round).flat();
    expect(alerts.all).toHaveLength(1);
    expect(alerts.all[0]?.occurrences).toBeGreaterThan(20);
    // 4 h: the reminders of an open alert, and nothing else.
    expect(rounds).toEqual(['reminder']);
    expect((alerts.told.at(-1)?.atMs ?? 0) - reopenedMs).toBeGreaterThanOrEqual(hour);
    expect(alerts.for(61 * minute, [])).toEqual(['resolved']);
  });

  it('is not one that somebody declared over while it was still there: it ends as soon as any other', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.for(10 * minute, [dead('groq')]);
    alerts.change('key_dead:groq', { resolvedAt: new Date(alerts.nowMs + 1_000) });
    expect(alerts.for(minute, [dead('groq')])).toEqual(['updated']);
    expect(alerts.all).toMatchObject([{ occurrences: 1 }]);
    expect(alerts.for(6 * minute, [])).toEqual(['resolved']);
  });

  it('is one that somebody declared over, and that was gone before it came back', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.change('key_dead:groq', { resolvedAt: new Date(alerts.nowMs + 1_000) });
    alerts.for(2 * minute, []);
    expect(alerts.for(minute, [dead('groq')])).toEqual(['updated']);
    expect(alerts.all).toMatchObject([{ occurrences: 2 }]);
  });

  it('is another alert when it comes back after a long time', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.for(6 * minute, []);
    expect(alerts.look([dead('groq')], { afterMs: 2 * hour })).toEqual(['opened']);
    expect(alerts.all).toHaveLength(2);
  });

  it('is nobody’s again when it comes back, since whoever took it up was told that it is over', () => {
    const alerts = new Alerts();
    alerts.look([dead('groq')]);
    alerts.change('key_dead:groq', { acknowledgedAt: new Date(start), nextReminderAt: null });
    alerts.for(6 * minute, []);
    expect(alerts.for(2 * hour, [dead('groq')])).toEqual(['updated', 'reminder']);
  });
});

describe('a date that comes', () => {
  const due = (stage: number, severity: Severity): Condition => ({
    cause: 'key_age:groq',
    kind: 'key_due',
    severity,
    providerId: 1,
    details: { what: `due at ${stage}`, stage },
  });

  it('is told at each of its marks, without reminders between them, and weekly once it has come', () => {
    const alerts = new Alerts();
    expect(alerts.look([due(30, 'info')])).toEqual(['opened']);
    for (const stage of [14, 7, 1]) {
      expect(alerts.for(48 * hour, [due(stage, 'warning')])).toEqual(['updated']);
    }
    expect(alerts.look([due(0, 'warning')])).toEqual(['updated']);
    expect(alerts.for(15 * 24 * hour, [due(0, 'warning')])).toEqual(['reminder', 'reminder']);
  });

  it('is told no more once it is moved away', () => {
    const alerts = new Alerts();
    alerts.look([due(7, 'warning')]);
    expect(alerts.for(hour, [due(30, 'info')])).toEqual([]);
  });
});

describe('an outage', () => {
  const five = ['anthropic', 'groq', 'mistral', 'openai', 'xai'].map((slug) => silent(slug));

  it('of five of eight providers is one alert, which names them', () => {
    const alerts = new Alerts();
    expect(alerts.look(five, { testedProviders: 8 })).toEqual(['opened']);
    expect(alerts.all).toMatchObject([
      {
        cause: 'network',
        severity: 'critical',
        details: { providers: ['anthropic', 'groq', 'mistral', 'openai', 'xai'] },
      },
    ]);
  });

  it('of two providers, or of fewer than half of them, is an alert for each', () => {
    const alerts = new Alerts();
    expect(alerts.look(five.slice(0, 2), { testedProviders: 2 })).toEqual(['opened', 'opened']);
    expect(new Alerts().look(five, { testedProviders: 11 })).toHaveLength(5);
  });

  it('leaves what was open of a provider open without a word, and what is proven of a key stands', () => {
    const alerts = new Alerts();
    alerts.look([silent('openai')], { testedProviders: 8 });
    expect(alerts.for(2 * hour, [...five, dead('cohere')])).toEqual([
      'opened',
      'opened',
      'reminder',
      'reminder',
    ]);
    expect(alerts.open.toSorted()).toEqual(['key_dead:cohere', 'network', 'provider_unreachable:openai']);
  });

  it('that ends provider by provider opens no alert of those that recover last', () => {
    const alerts = new Alerts();
    alerts.look(five, { testedProviders: 8 });
    for (const left of [4, 3, 2, 1, 0]) alerts.for(minute, five.slice(0, left));
    expect(alerts.for(6 * minute, [])).toEqual(['resolved']);
    expect(alerts.all).toHaveLength(1);
  });

  it('that begins provider by provider is still one alert', () => {
    const alerts = new Alerts();
    for (const count of [1, 2, 3, 4, 5])
      alerts.look(
        five.slice(0, count).map(({ details }) => silent(details.provider ?? '', start)),
        { testedProviders: 8, afterMs: 20_000 },
      );
    expect(alerts.all.map(({ cause }) => cause)).toEqual(['network']);
  });

  it('of one that stays away when the others are back becomes its own alert', () => {
    const alerts = new Alerts();
    alerts.look(five, { testedProviders: 8 });
    expect(alerts.for(7 * minute, five.slice(0, 1))).toEqual(['resolved', 'opened']);
    expect(alerts.open).toEqual(['provider_unreachable:anthropic']);
  });
});

describe('whatever happens', () => {
  const slugs = ['groq', 'openai', 'xai', 'cohere'] as const;
  const condition = fc.oneof(
    fc
      .tuple(fc.constantFrom(...slugs), fc.constantFrom<Severity>('info', 'warning', 'critical'))
      .map(([slug, severity]) => dead(slug, severity)),
    fc.constantFrom(...slugs).map((slug) => silent(slug)),
  );
  const step = fc.record({
    afterMs: fc.oneof(
      fc.integer({ min: 1_000, max: 2 * minute }),
      fc.integer({ min: 1_000, max: 3 * hour }),
      fc.integer({ min: 1_000, max: 40 * 24 * hour }),
    ),
    conditions: fc.array(condition, { maxLength: 6 }),
    act: fc.option(
      fc.record({
        what: fc.constantFrom('acknowledge', 'snooze'),
        minutes: fc.integer({ min: 1, max: 600 }),
      }),
      { nil: null },
    ),
    testedProviders: fc.integer({ min: 0, max: 12 }),
  });

  it('no cause has two open alerts, nothing is told of what is snoozed, and what is gone is resolved', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const alerts = new Alerts();
        for (const { afterMs, conditions, act, testedProviders } of steps) {
          alerts.look(conditions, { testedProviders, afterMs });
          expect(new Set(alerts.open).size).toBe(alerts.open.length);
          const [cause] = alerts.open;
          if (act === null || cause === undefined) continue;
          if (act.what === 'snooze') {
            const until = new Date(alerts.nowMs + act.minutes * minute);
            alerts.change(cause, { snoozedUntil: until, nextReminderAt: until });
          } else alerts.change(cause, { acknowledgedAt: new Date(alerts.nowMs), nextReminderAt: null });
        }
        expect(alerts.told.filter(({ snoozed }) => snoozed)).toEqual([]);
        alerts.look([], { afterMs: standardPolicy.flappingResolveAfterMs });
        expect(alerts.open).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('a cause that comes back is told so at most once an hour', () => {
    const run = fc.check(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 900 })), { maxLength: 80 }),
        (looks) => {
          const alerts = new Alerts();
          for (const [isThere, seconds] of looks)
            alerts.look(isThere ? [dead('groq')] : [], { afterMs: seconds * 1_000 });
          const backs = alerts.told.filter(({ event }) => event === 'updated').map(({ atMs }) => atMs);
          const gaps = backs.slice(1).map((atMs, index) => atMs - (backs[index] ?? 0));
          return gaps.every((gap) => gap >= hour);
        },
      ),
      { numRuns: 400 },
    );
    expect(run.counterexample).toBeNull();
  });
});
