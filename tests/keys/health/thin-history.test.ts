import { dayMs } from '../../../src/foundation/day.ts';
import { expect, test } from 'vitest';
import { sql } from 'kysely';
import { thinKeyTests } from '../../../src/keys/health/thin-history.ts';
import { describeOnUsualDatabases } from '../../support/keyward-database.ts';

const now = new Date('2026-11-29T12:00:00Z');

describeOnUsualDatabases('the history of key tests', (opened) => {
  const add = async (daysAgo: number, verdict: string, fingerprint = 'fp_1', minutes = 0): Promise<void> => {
    const at = new Date(now.getTime() - daysAgo * dayMs - minutes * 60_000);
    await sql`
      INSERT INTO keyward_key_tests (provider_slug, fingerprint, source, verdict, message, advice, response_time_ms, asked_by, tested_at)
      VALUES ('groq', ${fingerprint}, 'database', ${verdict}, '', '', 1, 'a test', ${at})`.execute(
      opened().database.kysely,
    );
  };
  const left = async (): Promise<string[]> => {
    const { rows } = await sql<{ told: string }>`
      SELECT concat_ws(' ', fingerprint, verdict, tested_at::date) AS told FROM keyward_key_tests ORDER BY id`.execute(
      opened().database.kysely,
    );
    return rows.map(({ told }) => told);
  };

  test('keeps all of three months, then one a day for each key and verdict, then one a month, and always the first', async () => {
    for (const day of [500, 499, 498, 497]) await add(day, 'valid');
    for (const minutes of [30, 20, 10]) await add(100, 'valid', 'fp_1', minutes);
    await add(100, 'rate_limited', 'fp_1', 5);
    await add(100, 'valid', 'fp_2', 3);
    await add(100, 'valid', 'fp_2', 2);
    await add(100, 'valid', 'fp_2', 1);
    for (const minutes of [3, 2, 1]) await add(80, 'valid', 'fp_1', minutes);
    expect(await thinKeyTests(opened().database.kysely, now)).toBe(5);
    expect(await left()).toEqual([
      'fp_1 valid 2025-07-17',
      'fp_1 valid 2025-07-20',
      'fp_1 valid 2026-08-21',
      'fp_1 rate_limited 2026-08-21',
      'fp_2 valid 2026-08-21',
      'fp_2 valid 2026-08-21',
      'fp_1 valid 2026-09-10',
      'fp_1 valid 2026-09-10',
      'fp_1 valid 2026-09-10',
    ]);
    expect(await thinKeyTests(opened().database.kysely, now)).toBe(0);
  });
});
