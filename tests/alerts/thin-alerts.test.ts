import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { thinAlerts } from '../../src/alerts/thin-alerts.ts';
import { Alerting, deadKey } from '../support/alerting.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock } from '../support/manual-clock.ts';

const day = 86_400_000;
const minute = 60_000;

describeOnUsualDatabases('old alerts', (opened) => {
  const start = new Date('2026-11-29T12:00:00Z');

  const left = async (): Promise<unknown> => {
    const { rows } = await sql<{ cause: string; deliveries: number }>`
      SELECT cause, (SELECT count(*)::int FROM keyward_alert_deliveries WHERE alert_id = alert.id) AS deliveries
        FROM keyward_alerts AS alert ORDER BY id`.execute(opened().database.kysely);
    return rows.map(({ cause, deliveries }) => `${cause} ${deliveries}`);
  };

  it('are forgotten, their messages sooner, and what is open, or was until lately, stays whole', async () => {
    const clock = manualClock(start);
    const alerting = new Alerting(opened().database, { clock });
    const { db } = alerting.parts;
    await alerting.channel();
    await alerting.look(deadKey('groq'), deadKey('openai'), deadKey('xai'));
    await alerting.deliver();
    clock.pass(10 * minute);
    await alerting.look(deadKey('openai'), deadKey('xai'));
    await alerting.deliver();
    expect(await left()).toEqual(['key_dead:groq 2', 'key_dead:openai 1', 'key_dead:xai 1']);
    clock.pass(89 * day);
    expect(await thinAlerts(db, clock.now())).toEqual({ alerts: 0, deliveries: 0 });
    clock.pass(2 * day);
    expect(await thinAlerts(db, clock.now())).toEqual({ alerts: 0, deliveries: 2 });
    expect(await left()).toEqual(['key_dead:groq 0', 'key_dead:openai 1', 'key_dead:xai 1']);

    // An alert that was open for so long: whoever heard of its beginning hears of its end.
    await alerting.look(deadKey('xai'));
    clock.pass(10 * minute);
    await alerting.look(deadKey('xai'));
    await alerting.deliver();
    expect(await alerting.outcomes()).toContain('resolved delivered');
    clock.pass(400 * day);
    expect(await thinAlerts(db, clock.now())).toMatchObject({ alerts: 2 });
    expect(await left()).toEqual([expect.stringMatching(/^key_dead:xai \d+$/)]);
  });

  it('a message that still waits stays, and the test of a channel goes by its age', async () => {
    const clock = manualClock(start);
    const alerting = new Alerting(opened().database, { clock });
    const { db } = alerting.parts;
    const { id } = await alerting.channel();
    const queue = async (event: string, state: string): Promise<unknown> =>
      sql`INSERT INTO keyward_alert_deliveries (channel_id, event, state, created_at)
          VALUES (${id}, ${event}, ${state}, ${start})`.execute(db);
    await queue('test', 'delivered');
    await queue('test', 'waiting');
    expect(await thinAlerts(db, new Date(start.getTime() + 89 * day))).toEqual({ alerts: 0, deliveries: 0 });
    expect(await thinAlerts(db, new Date(start.getTime() + 91 * day))).toEqual({ alerts: 0, deliveries: 1 });
    expect(await alerting.outcomes()).toEqual(['test waiting']);
  });
});
