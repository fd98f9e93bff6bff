/** Usage by hour: the same story as that by day, also of two instances at once; the last 24 hours of it; and no more than two days. */
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../src/foundation/logger.ts';
import { OldHours, readHours } from '../../src/usage/usage-hours.ts';
import type { UsageRecord } from '../../src/usage/usage-record.ts';
import { writeUsage } from '../../src/usage/usage-store.ts';
import { describeOnEachDatabase, openOn } from '../support/keyward-database.ts';
import { manualClock } from '../support/manual-clock.ts';
import { usageRecord } from '../support/usage-record.ts';

const now = new Date('2026-03-01T09:40:00.000Z');
const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * 3_600_000);

const record = (over: Partial<UsageRecord> = {}): UsageRecord => usageRecord({ at: now, ...over });

const lines: string[] = [];
const log = createLogger({
  level: 'warn',
  format: 'json',
  scrub: (line) => line,
  write: (line) => lines.push(line),
});

describeOnEachDatabase('usage by hour', (opened) => {
  const db = () => opened().database.kysely;
  const rows = async () =>
    (
      await db().selectFrom('keyward_usage_hourly').selectAll().orderBy('hour').orderBy('provider').execute()
    ).map(({ hour, provider, requests, errors }) => [
      hour.toISOString(),
      provider,
      Number(requests),
      Number(errors),
    ]);
  const put = async (at: Date, provider: string, requests: number, errors = 0): Promise<void> => {
    await db()
      .insertInto('keyward_usage_hourly')
      .values({
        hour: new Date(Math.floor(at.getTime() / 3_600_000) * 3_600_000),
        provider,
        requests,
        errors,
      })
      .execute();
  };

  it('counts each request in its hour and at its provider; refused and broken off are errors', async () => {
    await writeUsage(db(), [
      record(),
      record({ at: new Date('2026-03-01T09:00:00.000Z'), status: 429 }),
      record({ at: new Date('2026-03-01T09:59:59.999Z'), errorCode: 'stream_broke_off' }),
      record({ at: new Date('2026-03-01T08:59:59.999Z') }),
      record({ provider: 'openai', status: 499 }),
    ]);
    await writeUsage(db(), [record(), record({ provider: 'openai' })]);
    expect(await rows()).toEqual([
      ['2026-03-01T08:00:00.000Z', 'groq', 1, 0],
      ['2026-03-01T09:00:00.000Z', 'groq', 4, 2],
      ['2026-03-01T09:00:00.000Z', 'openai', 2, 1],
    ]);
  });

  it('is written with the rows and the days or not at all', async () => {
    const client = await opened().connect();
    await client.query('ALTER TABLE keyward_usage_hourly RENAME TO elsewhere');
    await expect(writeUsage(db(), [record()])).rejects.toThrow('keyward_usage_hourly');
    const { rows: left } = await client.query(
      'SELECT FROM keyward_usage_daily UNION ALL SELECT FROM llm_usage_logs',
    );
    expect(left).toEqual([]);
    await client.query('ALTER TABLE elsewhere RENAME TO keyward_usage_hourly');
  });

  it('of two instances that write at once, in whatever order, is the sum of both and the same as by day', async () => {
    const other = (await opened().reopen()).kysely;
    const slugs = ['openai', 'groq', 'xai', 'anthropic', 'mistral'];
    const batch = (turn: number): UsageRecord[] =>
      Array.from({ length: 40 }, (_, index) =>
        record({
          requestId: `${turn}-${index}`,
          // No two share a row by day: only those by hour can stand in each other's way.
          keyFingerprint: `fp ${turn}`,
          provider: slugs[(index * (turn + 1)) % slugs.length] ?? '',
          at: hoursAgo((index + turn) % 3),
          status: index % 4 === 0 ? 500 : 200,
        }),
      );
    await Promise.all(
      Array.from({ length: 12 }, async (_, turn) => {
        const mine = batch(turn);
        await writeUsage(turn % 2 === 0 ? db() : other, turn % 4 < 2 ? mine : mine.toReversed());
      }),
    );
    const client = await opened().connect();
    const sums = async (table: string) =>
      (
        await client.query(
          `SELECT provider, sum(requests)::int AS requests, sum(errors)::int AS errors FROM ${table} GROUP BY 1 ORDER BY 1`,
        )
      ).rows as { requests: number; errors: number }[];
    const byHour = await sums('keyward_usage_hourly');
    expect(byHour).toEqual(await sums('keyward_usage_daily'));
    expect(byHour.reduce((sum, { requests }) => sum + requests, 0)).toBe(12 * 40);
    expect(byHour.reduce((sum, { errors }) => sum + errors, 0)).toBe(12 * 10);
    expect((await rows()).length).toBeGreaterThan(slugs.length);
  });

  it('is told as 24 hours, the oldest first, the current one last, with nought where nothing was asked', async () => {
    await put(now, 'groq', 7, 2);
    await put(hoursAgo(3), 'groq', 5);
    await put(hoursAgo(23), 'groq', 3, 3);
    await put(hoursAgo(24), 'groq', 1_000, 1_000);
    await put(hoursAgo(-1), 'groq', 1_000, 1_000);
    await put(hoursAgo(30), 'xai', 1);
    const { hours, providers } = await readHours(db(), now);
    expect(hours).toHaveLength(24);
    expect([hours[0], hours[23]].map((hour) => hour?.toISOString())).toEqual([
      '2026-02-28T10:00:00.000Z',
      '2026-03-01T09:00:00.000Z',
    ]);
    expect(providers).toEqual([
      {
        provider: 'groq',
        requests: [3, ...Array.from({ length: 19 }, () => 0), 5, 0, 0, 7],
        errors: [3, ...Array.from({ length: 22 }, () => 0), 2],
      },
    ]);
  });

  it('tells of every provider that there is, however many, and of none that is gone', async () => {
    const client = await opened().connect();
    await client.query(
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name)
       SELECT 'Many ' || n, 'many-' || n, 'Many ' || n FROM generate_series(1, 500) AS n`,
    );
    await client.query(
      `INSERT INTO keyward_usage_hourly (hour, provider, requests)
       SELECT $1::timestamp - make_interval(hours => h), slug, h
         FROM generate_series(1, 23) AS h, (SELECT provider_slug AS slug FROM llm_providers UNION ALL VALUES ('gone')) AS s`,
      ['2026-03-01 09:00:00'],
    );
    const { providers } = await readHours(db(), now);
    expect(providers).toHaveLength(512);
    expect(providers.some(({ provider }) => provider === 'gone')).toBe(false);
    const expected = Array.from({ length: 24 }, (_, index) => 23 - index);
    for (const { requests } of providers) expect(requests).toEqual(expected);
  });
});

describeOnEachDatabase('hours that are over for long', (opened) => {
  const clock = manualClock(now);
  const db = () => opened().database.kysely;
  const left = async (): Promise<string[]> =>
    (await db().selectFrom('keyward_usage_hourly').select('hour').orderBy('hour').execute()).map(({ hour }) =>
      hour.toISOString(),
    );
  const put = async (...hours: string[]): Promise<void> => {
    await db()
      .insertInto('keyward_usage_hourly')
      .values(hours.map((hour) => ({ hour: new Date(hour), provider: 'groq', requests: 1, errors: 0 })))
      .execute();
  };
  const old = '2026-02-27T08:00:00.000Z';
  const older = '2026-02-01T08:00:00.000Z';
  const kept = '2026-02-27T09:00:00.000Z';
  beforeEach(() => {
    clock.set(now);
    lines.length = 0;
  });

  it('are cleared after two days, and looked for once an hour', async () => {
    const oldHours = new OldHours({ db: db(), clock, log });
    await put(older, old, kept);
    await oldHours.clear();
    expect(await left()).toEqual([kept]);
    await put(older);
    await oldHours.clear();
    expect(await left()).toEqual([older, kept]);
    clock.pass(3_600_000);
    await oldHours.clear();
    expect(await left()).toEqual([]);
  });

  it('that cannot be cleared are no fault of a write: it is said, and tried in the next hour', async () => {
    const client = await opened().connect();
    const oldHours = new OldHours({ db: db(), clock, log });
    await put(old);
    await client.query('ALTER TABLE keyward_usage_hourly RENAME TO elsewhere');
    await oldHours.clear();
    expect(lines.join('')).toContain('usage by hour is not cleared yet');
    await client.query('ALTER TABLE elsewhere RENAME TO keyward_usage_hourly');
    await oldHours.clear();
    expect(await left()).toEqual([old]);
    clock.pass(3_600_000);
    await oldHours.clear();
    expect(await left()).toEqual([]);
  });
});

// The embedded engine has one session: nobody holds anything while another writes.
it('hours that another instance holds are left to it, and nobody waits (postgres)', async () => {
  const opened = await openOn('postgres');
  onTestFinished(async () => opened.close());
  const db = opened.database.kysely;
  await db
    .insertInto('keyward_usage_hourly')
    .values(['groq', 'xai'].map((provider) => ({ hour: hoursAgo(80), provider, requests: 1, errors: 0 })))
    .execute();
  const holder = await opened.connect();
  await holder.query(`BEGIN; UPDATE keyward_usage_hourly SET requests = 2 WHERE provider = 'groq'`);
  await new OldHours({ db, clock: manualClock(now), log }).clear();
  await holder.query('COMMIT');
  expect(await db.selectFrom('keyward_usage_hourly').select(['provider', 'requests']).execute()).toEqual([
    { provider: 'groq', requests: '2' },
  ]);
});
