/** What instances tell each other of the use of tokens: sums over all, nothing lost to a fault, nothing counted twice. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import type { GoodTokens } from '../../src/auth/authenticate.ts';
import { TokenUsage } from '../../src/auth/token-usage.ts';
import { readSpending } from '../../src/usage/read-usage.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { unlimited } from '../support/limited-tokens.ts';
import { manualClock } from '../support/manual-clock.ts';

const log = createLogger({ level: 'error', format: 'json', scrub: (line) => line, write: () => undefined });
const limits = { ...unlimited, requestsPerMinute: 10, dailyBudgetUsd: 5 };
const caller = (tokenId: number) => ({ tokenId, name: 'an application', limits });
const [one, other] = [caller(1), caller(2)];
const good: GoodTokens = new Map(
  [one, other].map((each) => [`hash ${each.tokenId}`, { untilMs: Infinity, caller: each }]),
);

describeOnUsualDatabases('the use of tokens', (opened) => {
  const clock = manualClock();
  let client: pg.Client;
  beforeEach(async () => {
    client = await opened().connect();
    clock.set(new Date('2026-03-15T09:00:00.000Z'));
  });

  function instance(db = opened().database.kysely): TokenUsage {
    const usage = new TokenUsage({
      db,
      clock,
      log,
      readSpending: async (tokenIds, day) => readSpending(db, tokenIds, day),
    });
    usage.follow(good);
    return usage;
  }

  it('is that of all instances, once each has told it and heard of it', async () => {
    const [here, there, idle] = [instance(), instance(), instance()];
    here.countRequest(one);
    here.used(one, { tokens: 30, costUsd: 0 });
    here.countRequest(other);
    there.countRequest(one);
    await here.exchange();
    await there.exchange();
    here.countRequest(one);
    await here.exchange();
    await there.exchange();
    await idle.exchange();
    for (const usage of [here, there, idle]) {
      expect(usage.inMinute(1)).toEqual({ requests: 3, tokens: 30 });
      expect(usage.inMinute(2)).toEqual({ requests: 1, tokens: 0 });
    }
  });

  it('is of its minute only, and what is older goes after ten', async () => {
    const usage = instance();
    usage.countRequest(one);
    await usage.exchange();
    clock.pass(60_000);
    expect(usage.inMinute(1)).toEqual({ requests: 0, tokens: 0 });
    clock.pass(10 * 60_000);
    usage.countRequest(one);
    await usage.exchange();
    const { rows } = await client.query<{ requests: string }>('SELECT requests FROM keyward_token_minutes');
    expect(rows).toEqual([{ requests: '1' }]);
  });

  it('is told again after a fault, and once', async () => {
    const usage = instance();
    usage.countRequest(one);
    await client.query('ALTER TABLE keyward_token_minutes RENAME TO elsewhere');
    await expect(usage.exchange()).rejects.toThrow('keyward_token_minutes');
    usage.countRequest(one);
    expect(usage.inMinute(1).requests).toBe(2);
    await client.query('ALTER TABLE elsewhere RENAME TO keyward_token_minutes');
    await usage.exchange();
    await usage.exchange();
    const late = instance();
    await late.exchange();
    expect([usage.inMinute(1).requests, late.inMinute(1).requests]).toEqual([2, 2]);
  });

  it('costs what the usage by day says, and what was written here since it was read, once', async () => {
    await client.query(
      `INSERT INTO keyward_usage_daily (day, provider, model, gateway_token_id, key_fingerprint, cost_usd) VALUES
         ('2026-03-15', 'groq', 'm', 1, 'f', 1.5), ('2026-03-15', 'groq', 'n', 1, 'f', 0.5), ('2026-03-01', 'groq', 'm', 1, 'f', 3),
         ('2026-02-28', 'groq', 'm', 1, 'f', 50), ('2026-03-15', 'groq', 'm', 2, 'f', 7)`,
    );
    const usage = instance();
    await usage.readSpending();
    expect(usage.spent(1)).toMatchObject({ dayUsd: 2, monthUsd: 5 });
    usage.used(one, { tokens: 5, costUsd: 1 });
    expect(usage.spent(1)).toMatchObject({ dayUsd: 3, monthUsd: 6 });
    await client.query(
      `UPDATE keyward_usage_daily SET cost_usd = 3.5 WHERE gateway_token_id = 1 AND model = 'm' AND day = '2026-03-15'`,
    );
    await usage.readSpending();
    expect(usage.spent(1)).toMatchObject({ dayUsd: 4, monthUsd: 7 });
    clock.pass(24 * 3_600_000);
    expect(usage.spent(1)).toMatchObject({ dayUsd: 0, monthUsd: 7 });
  });

  it('asks the database nothing while no token has limits', async () => {
    const { database } = opened();
    const before = database.queriesSent();
    const usage = instance();
    usage.follow(new Map());
    await usage.exchange();
    await usage.readSpending();
    expect(database.queriesSent()).toBe(before);
  });
});
