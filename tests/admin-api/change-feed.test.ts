/** The looks behind the events of the page: made while somebody listens, and then alone. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { ChangeFeed, topics } from '../../src/admin-api/change-feed.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { openOn } from '../support/keyward-database.ts';

it('nothing is read once nobody listens any more', async () => {
  const opened = await openOn('postgres');
  onTestFinished(async () => opened.close());
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { database } = opened;
  const log = createLogger({ level: 'fatal', format: 'json', scrub: (line) => line });
  const feed = new ChangeFeed({ database, log, stopping: () => false });
  const { promise: told, resolve: tell } = Promise.withResolvers<readonly string[]>();
  const leave = feed.listen({ onChanged: tell, onEnd: () => undefined });
  await vi.advanceTimersByTimeAsync(1);
  expect(await told).toEqual(topics);
  const first = database.queriesSent();
  await vi.advanceTimersByTimeAsync(5_000);
  await expect.poll(() => database.queriesSent()).toBeGreaterThan(first);
  leave();
  const ask = async (): Promise<unknown> =>
    database.kysely.selectFrom('keyward_alerts').select('id').execute();
  // A look that was under way ends first.
  await vi.waitUntil(async () => {
    const before = database.queriesSent();
    await ask();
    return database.queriesSent() === before + 1;
  });
  const last = database.queriesSent();
  await vi.advanceTimersByTimeAsync(60_000);
  // By its answer, a look that should not be would have asked too.
  await ask();
  expect(database.queriesSent()).toBe(last + 1);
});
