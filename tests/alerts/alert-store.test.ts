/** However many instances look at once, one cause makes one alert and one message; what a person does with it is on record. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { acknowledgeAlert, resolveAlert, snoozeAlert } from '../../src/alerts/alert-acts.ts';
import { countOpen } from '../../src/alerts/alert-store.ts';
import { channelRules } from '../../src/alerts/routing.ts';
import { findAlert, listAlerts } from '../../src/alerts/list-alerts.ts';
import { Alerting, deadKey } from '../support/alerting.ts';
import { occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const minute = 60_000;
const hour = 60 * minute;
const because = { ...occasionOfTests, reason: 'the vendor is told' };

describeOnUsualDatabases('alerts that are kept', (opened) => {
  const alerting = (): Alerting => new Alerting(opened().database);
  const events = async (): Promise<Record<string, unknown>[]> => {
    const { rows } = await sql<{ event: string }>`
      SELECT event FROM keyward_audit_events WHERE action LIKE 'alert.%' ORDER BY sequence`.execute(
      opened().database.kysely,
    );
    return rows.map(({ event }) => JSON.parse(event) as Record<string, unknown>);
  };

  it('five instances that see a cause at once make one alert and one message', async () => {
    const first = alerting();
    await first.channel();
    const others = await Promise.all(
      [1, 2, 3, 4].map(async () => new Alerting(await opened().reopen(), { clock: first.clock })),
    );
    const told = await Promise.all([first, ...others].map(async (one) => one.look(deadKey('groq'))));
    expect(told.flat()).toHaveLength(1);
    expect((await listAlerts(first.parts.db, { filter: {}, before: null, limit: 10 })).alerts).toHaveLength(
      1,
    );
    expect(await first.outcomes()).toEqual(['opened waiting']);
    first.clock.pass(6 * minute);
    const ended = await Promise.all([first, ...others].map(async (one) => one.look()));
    expect(ended.flat().map(({ event }) => event)).toEqual(['resolved']);
  });

  it('stands as it was seen, and its words are kept without keys', async () => {
    const one = alerting();
    const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
    const condition = deadKey('groq');
    await one.look({ ...condition, details: { ...condition.details, why: `It said: ${key}\n is bad.` } });
    const alert = await findAlert(one.parts.db, '1');
    expect(alert).toMatchObject({
      cause: 'key_dead:groq',
      severity: 'critical',
      occurrences: 1,
      openedAt: one.clock.now(),
      details: { provider: 'groq', why: 'It said: [redacted] is bad.' },
    });
    expect(await countOpen(one.parts.db)).toEqual({ critical: 1 });
  });

  it('is taken up by somebody: no more reminders, and the trail says who and why', async () => {
    const one = alerting();
    await one.look(deadKey('groq'));
    expect(await acknowledgeAlert(one.parts, because, '1')).toMatchObject({
      acknowledgedBy: 'a test',
      acknowledgedAt: one.clock.now(),
      reason: 'the vendor is told',
      nextReminderAt: null,
    });
    one.clock.pass(2 * hour);
    expect(await one.look(deadKey('groq'))).toEqual([]);
    expect(await events()).toMatchObject([
      {
        action: 'alert.acknowledged',
        target: { kind: 'alert', id: '1' },
        reason: 'the vendor is told',
        after: { cause: 'key_dead:groq' },
      },
    ]);
  });

  it('is put off until a time, after which it reminds', async () => {
    const one = alerting();
    await one.look(deadKey('groq'));
    const until = new Date(one.clock.now().getTime() + 3 * hour);
    await snoozeAlert(one.parts, because, '1', until);
    one.clock.pass(2 * hour);
    expect(await one.look(deadKey('groq'))).toEqual([]);
    one.clock.pass(hour);
    expect((await one.look(deadKey('groq'))).map(({ event }) => event)).toEqual(['reminder']);
    expect(await events()).toMatchObject([{ action: 'alert.snoozed' }]);
  });

  it('is not put off into the past', async () => {
    const one = alerting();
    await one.look(deadKey('groq'));
    await expect(snoozeAlert(one.parts, because, '1', one.clock.now())).rejects.toMatchObject({
      code: 'field_invalid',
    });
  });

  it('is declared over, which is told; and is back when its cause is still seen', async () => {
    const one = alerting();
    await one.channel();
    await one.look(deadKey('groq'));
    await one.deliver();
    await resolveAlert(one.parts, because, '1');
    expect(await one.outcomes()).toEqual(['opened delivered', 'resolved waiting']);
    one.clock.pass(minute / 2);
    expect((await one.look(deadKey('groq'))).map(({ event }) => event)).toEqual(['updated']);
    expect(await findAlert(one.parts.db, '1')).toMatchObject({ resolvedAt: null, occurrences: 1 });
  });

  it('cannot be taken up when it is over, or never was, and then nothing is recorded', async () => {
    const one = alerting();
    await one.look(deadKey('groq'));
    await resolveAlert(one.parts, because, '1');
    await expect(acknowledgeAlert(one.parts, because, '1')).rejects.toMatchObject({ code: 'alert_resolved' });
    await expect(acknowledgeAlert(one.parts, because, '2')).rejects.toMatchObject({
      code: 'alert_not_found',
    });
    expect(await events()).toHaveLength(1);
  });

  it('is listed newest first, page by page, by state, severity, kind and provider', async () => {
    const one = alerting();
    await one.look(deadKey('groq'), deadKey('openai', 'warning'), deadKey('xai'));
    await resolveAlert(one.parts, because, '1');
    const list = async (filter: object, before: string | null = null, limit = 10) => {
      const { alerts, next } = await listAlerts(one.parts.db, { filter, before, limit });
      return [alerts.map(({ id }) => id), next];
    };
    expect(await list({}, null, 2)).toEqual([['3', '2'], '2']);
    expect(await list({}, '2', 2)).toEqual([['1'], null]);
    expect(await list({ state: 'open' })).toEqual([['3', '2'], null]);
    expect(await list({ state: 'resolved' })).toEqual([['1'], null]);
    expect(await list({ severity: 'warning' })).toEqual([['2'], null]);
    expect(await list({ provider: 'xai' })).toEqual([['3'], null]);
    expect(await list({ kind: 'network' })).toEqual([[], null]);
  });
});

describeOnUsualDatabases('who is told of an alert', (opened) => {
  const at = (hours: number): Date => new Date(Date.UTC(2026, 2, 1, hours));
  const rules = (fields: object) => channelRules.parse(fields);

  it('each channel that it is meant for', async () => {
    const one = new Alerting(opened().database);
    await one.channel({ name: 'all' });
    await one.channel({ name: 'worst', rules: rules({ min_severity: 'critical' }) });
    await one.channel({ name: 'openai', rules: rules({ providers: ['openai'] }) });
    await one.channel({ name: 'off', isActive: false });
    await one.look(deadKey('groq', 'warning'));
    expect((await one.deliveries()).map((row) => row.channel_id)).toEqual([1]);
  });

  it('one that must not be disturbed hears of it when its quiet hours are over, or never when it is over before', async () => {
    const one = new Alerting(opened().database);
    one.clock.set(at(23));
    await one.channel({ quiet: { from: 22 * 60, to: 7 * 60 } });
    await one.look(deadKey('groq', 'warning'), deadKey('openai', 'warning'));
    await one.deliver();
    expect(await one.outcomes()).toEqual(['opened waiting', 'opened waiting']);
    one.clock.set(at(24));
    await one.look(deadKey('openai', 'warning'));
    one.clock.set(at(24.5));
    await one.look(deadKey('openai', 'warning'));
    expect(await one.outcomes()).toEqual(['opened dropped', 'opened waiting']);
    one.clock.set(at(31));
    await one.deliver();
    expect(await one.outcomes()).toEqual(['opened dropped', 'opened delivered']);
  });

  it('one that must not be disturbed hears at once of what has become critical, once', async () => {
    const one = new Alerting(opened().database);
    one.clock.set(at(23));
    await one.channel({ quiet: { from: 22 * 60, to: 7 * 60 } });
    await one.look(deadKey('groq', 'warning'));
    one.clock.pass(minute);
    await one.look(deadKey('groq'));
    await one.deliver();
    expect(await one.outcomes()).toEqual(['opened delivered']);
  });

  it('the end is told to whoever heard of the beginning, and to nobody else', async () => {
    const one = new Alerting(opened().database);
    await one.channel({ name: 'there from the start' });
    await one.look(deadKey('groq'));
    await one.deliver();
    await one.channel({ name: 'made later' });
    one.clock.pass(6 * minute);
    await one.look();
    await one.deliver();
    const rows = await one.deliveries();
    expect(rows.map(({ channel_id, event, state }) => [channel_id, event, state])).toEqual([
      [1, 'opened', 'delivered'],
      [1, 'resolved', 'delivered'],
    ]);
  });
});
