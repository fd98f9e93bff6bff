/** The clock looks now and then, delivers what is due each time, and does neither for a part of the truth. */
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { Condition } from '../../src/alerts/condition.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { AlertClock } from '../../src/jobs/alert-clock.ts';
import { alertMetrics } from '../../src/jobs/alert-metrics.ts';
import { Alerting, deadKey } from '../support/alerting.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const minute = 60_000;

describeOnUsualDatabases('the clock of alerts', (opened) => {
  const clockOn = (alerting: Alerting, conditions: () => Promise<readonly Condition[]>) => {
    const registry = new Registry();
    const metrics = alertMetrics(registry);
    const deliveries = { ...alerting.parts, onAttempt: metrics.countDelivery };
    return {
      registry,
      clock: new AlertClock({
        deliveries,
        config: loadConfig({}),
        conditions,
        testedProviders: () => 8,
        metrics,
      }),
    };
  };

  it('opens, delivers and ends an alert, and tells Prometheus', async () => {
    const alerting = new Alerting(opened().database);
    await alerting.channel();
    let now: Condition[] = [deadKey('groq')];
    const { clock, registry } = clockOn(alerting, async () => now);
    await clock.tick();
    expect(await alerting.outcomes()).toEqual(['opened delivered']);
    const text = await registry.metrics();
    expect(text).toContain('keyward_alerts_open{severity="critical"} 1');
    expect(text).toContain('keyward_alert_deliveries_total{channel="log",outcome="delivered"} 1');
    now = [];
    alerting.clock.pass(6 * minute);
    await clock.look();
    await clock.tick();
    expect(await alerting.outcomes()).toEqual(['opened delivered', 'resolved delivered']);
    expect(await registry.metrics()).toContain('keyward_alerts_open{severity="critical"} 0');
  });

  it('looks once in half a minute, however often it is asked', async () => {
    let looks = 0;
    const { clock } = clockOn(new Alerting(opened().database), async () => {
      looks += 1;
      return [];
    });
    await clock.tick();
    await clock.tick();
    expect(looks).toBe(1);
  });

  it('takes nothing for gone that it cannot look at, and delivers all the same', async () => {
    const alerting = new Alerting(opened().database);
    await alerting.channel();
    await alerting.look(deadKey('groq'));
    alerting.clock.pass(60 * minute);
    const { clock } = clockOn(alerting, async () => {
      throw new Error('nobody knows');
    });
    await expect(clock.tick()).rejects.toThrow('nobody knows');
    expect(await alerting.outcomes()).toEqual(['opened delivered']);
  });

  it('forgets once an hour what is too old', async () => {
    const alerting = new Alerting(opened().database);
    await alerting.look(deadKey('groq'));
    alerting.clock.pass(6 * minute);
    await alerting.look();
    const count = async (): Promise<number> =>
      (await alerting.parts.db.selectFrom('keyward_alerts').select('id').execute()).length;
    const { clock } = clockOn(alerting, async () => []);
    await clock.tick();
    expect(await count()).toBe(1);
    alerting.clock.pass(401 * 24 * 60 * minute);
    await clock.tick();
    expect(await count()).toBe(0);
  });

  it('goes on by itself until it is stopped', async () => {
    const alerting = new Alerting(opened().database);
    await alerting.channel();
    const { clock } = clockOn(alerting, async () => [deadKey('groq')]);
    clock.start();
    await expect.poll(async () => alerting.outcomes()).toEqual(['opened delivered']);
    await clock.stop();
  });
});
