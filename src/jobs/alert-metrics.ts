/**
 * What is told of alerts to Prometheus. Labels come from closed sets, and each of them stands there from the start:
 * Prometheus sees no increase in a series that begins with 1.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { channelKinds, type ChannelKind } from '../alerts/channel-settings.ts';
import { severities } from '../alerts/condition.ts';

const outcomes = ['delivered', 'waiting', 'failed', 'dropped'] as const;

type Outcome = (typeof outcomes)[number];

export interface AlertMetrics {
  readonly setOpen: (counts: Readonly<Record<string, number>>) => void;
  readonly countDelivery: (channel: ChannelKind, outcome: Outcome) => void;
}

export function alertMetrics(registry: Registry): AlertMetrics {
  const registers = [registry];
  const open = new Gauge({
    name: 'keyward_alerts_open',
    help: 'Open alerts by severity, as this instance saw them last.',
    labelNames: ['severity'],
    registers,
  });
  for (const severity of severities) open.set({ severity }, 0);
  const deliveries = new Counter({
    name: 'keyward_alert_deliveries_total',
    help: 'Attempts of this instance to deliver a message, by kind of channel and outcome; waiting: it failed and is tried again.',
    labelNames: ['channel', 'outcome'],
    registers,
  });
  for (const channel of channelKinds) for (const outcome of outcomes) deliveries.inc({ channel, outcome }, 0);
  return {
    setOpen: (counts) => {
      for (const severity of severities) open.set({ severity }, counts[severity] ?? 0);
    },
    countDelivery: (channel, outcome) => deliveries.inc({ channel, outcome }),
  };
}
