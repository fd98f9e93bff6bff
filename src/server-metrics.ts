/** The registry of an instance's metrics, with those of the process, the snapshot and the database in it. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Installation } from './installation.ts';
import type { SnapshotKeeper } from './keys/snapshot-keeper.ts';

export function createRegistry(keeper: SnapshotKeeper, { database }: Installation): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => metric.set(read()) });
  };
  gauge(
    'keyward_revision',
    'The revision of the snapshot that this instance serves from.',
    () => keeper.current().revision,
  );
  gauge('keyward_database_up', '1 when the database answered the last time, else 0.', () =>
    keeper.databaseError() === null ? 1 : 0,
  );
  gauge(
    'keyward_providers_set_aside',
    'Active providers that are set aside or on a fallback.',
    () => keeper.current().problems.size,
  );
  const queries: Counter = new Counter({
    name: 'keyward_database_queries_total',
    help: 'Statements sent to the database since the start.',
    registers: [registry],
    // The database counts by itself: what it says is taken over whole.
    collect: () => {
      queries.reset();
      queries.inc(database.queriesSent());
    },
  });
  return registry;
}
