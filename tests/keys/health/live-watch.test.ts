import { expect, test } from 'vitest';
import { sql } from 'kysely';
import { createLogger } from '../../../src/foundation/logger.ts';
import { LiveWatch } from '../../../src/keys/health/live-watch.ts';
import { describeOnUsualDatabases } from '../../support/keyward-database.ts';
import { manualClock } from '../../support/manual-clock.ts';

const log = createLogger({ level: 'silent', format: 'json', scrub: (line) => line, write: () => undefined });
const key = { slug: 'groq', fingerprint: 'fp_000000000001' };

describeOnUsualDatabases('what calls say of keys', (opened) => {
  const written = async (): Promise<unknown> => {
    const { rows } = await sql`
      SELECT verdict, calls::int AS calls, first_seen_at, last_seen_at FROM keyward_live_verdicts ORDER BY verdict`.execute(
      opened().database.kysely,
    );
    return rows;
  };

  test('is counted over instances, with its first and its last time', async () => {
    const clock = manualClock();
    const first = clock.now();
    const watches = [1, 2].map(
      () => new LiveWatch({ db: opened().database.kysely, clock, log, onRefused: () => undefined }),
    );
    for (const watch of watches) watch.saw(key, 'valid');
    clock.pass(5_000);
    watches[0]?.saw(key, 'valid');
    for (const watch of watches) await watch.flush();
    // Nothing new: nothing is written.
    for (const watch of watches) await watch.flush();
    expect(await written()).toEqual([
      { verdict: 'valid', calls: 3, first_seen_at: first, last_seen_at: clock.now() },
    ]);
  });

  test('waits while the database does not take it, loses no call, and tells of a refusal once it is written', async () => {
    let told = 0;
    const watch = new LiveWatch({
      db: opened().database.kysely,
      clock: manualClock(),
      log,
      onRefused: () => (told += 1),
    });
    await sql`ALTER TABLE keyward_live_verdicts RENAME TO away`.execute(opened().database.kysely);
    watch.saw(key, 'rate_limited');
    watch.saw(key, 'invalid');
    await expect(watch.flush()).rejects.toThrow('keyward_live_verdicts');
    watch.saw(key, 'invalid');
    expect(told).toBe(0);
    await sql`ALTER TABLE away RENAME TO keyward_live_verdicts`.execute(opened().database.kysely);
    await watch.flush();
    // The refusal has woken it, too: whoever of both writes it tells of it.
    await expect.poll(() => told).toBeGreaterThan(0);
    await expect.poll(written).toMatchObject([
      { verdict: 'invalid', calls: 2 },
      { verdict: 'rate_limited', calls: 1 },
    ]);
    await watch.stop(true);
  });

  test('of a provider that is gone is forgotten', async () => {
    const db = opened().database.kysely;
    const watch = new LiveWatch({ db, clock: manualClock(), log, onRefused: () => undefined });
    watch.saw({ slug: 'nobody', fingerprint: 'fp_1' }, 'valid');
    await watch.flush();
    expect(await written()).toEqual([]);
  });
});
