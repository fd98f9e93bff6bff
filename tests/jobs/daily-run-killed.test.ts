/**
 * A server is killed with SIGKILL in the middle of its daily run, and another one on the same PostgreSQL goes on: each
 * key has one test on record for the day, and one event. Who was being asked then is asked a second time, nobody else.
 */
import { dayOf } from '../../src/foundation/day.ts';
import { expect, it, onTestFinished, vi } from 'vitest';
import pg from 'pg';
import { dailyDueAt } from '../../src/keys/health/daily-due.ts';
import { startServerProcess, type KeywardProcess } from '../support/keyward-process.ts';
import { rotatingKey } from '../support/rotating.ts';
import { newPlace } from '../support/running-keyward.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';

vi.setConfig({ testTimeout: 120_000 });

const slugs = ['deepseek', 'groq', 'mistral', 'openai', 'openrouter', 'xai'];
/** All are due as soon as the day begins, so now. */
const window = { fromMinute: 0, toMinute: 1 };

it('each key is tested once that day by the records, whoever dies', async () => {
  const place = await newPlace('postgres');
  onTestFinished(async () => place.remove());
  const providers = new Map(
    await Promise.all(
      slugs.map(async (slug, index) => {
        const key = rotatingKey(index + 1);
        return [slug, { key, standIn: await startStandInProvider({ slug, keys: [key] }) }] as const;
      }),
    ),
  );
  const environment: Record<string, string> = { ...place.environment, HEALTH_TEST_WINDOW: '00:00-00:01' };
  for (const [slug, { key, standIn }] of providers) {
    environment[`${slug.toUpperCase()}_API_KEY`] = key;
    environment[`${slug.toUpperCase()}_BASE_URL`] = standIn.baseUrl;
    onTestFinished(async () => standIn.close());
  }
  // Four are asked at the same time, the first that are due first: two of those say nothing.
  const dueAt = (slug: string): number => dailyDueAt(slug, dayOf(new Date()), window).getTime();
  const silent = slugs.toSorted((one, other) => dueAt(one) - dueAt(other)).slice(0, 2);
  for (const slug of silent) providers.get(slug)?.standIn.behave({ on: 'test', insteadOfHeaders: 'stall' });
  const askedOf = (slug: string): number => providers.get(slug)?.standIn.requests.length ?? 0;

  const client = new pg.Client({ connectionString: place.environment['DATABASE_URL'] });
  await client.connect();
  onTestFinished(async () => client.end());
  const started: KeywardProcess[] = [];
  onTestFinished(async () => {
    for (const server of started) {
      if (server.isRunning) server.kill('SIGKILL');
      await server.ended();
    }
  });
  for (let count = 0; count < 2; count += 1) started.push(startServerProcess(environment));

  /** Who asks the silent ones, once its other two tests are on record. */
  const holder = async (): Promise<number | null> => {
    const { rows } = await client.query<{ pid: number; tests: number; done: number }>(`
      SELECT pid, count(*)::int AS tests, (SELECT count(*)::int FROM keyward_key_tests) AS done
        FROM keyward_daily_tests JOIN keyward_instances ON id = claimed_by
       WHERE state = 'running' GROUP BY pid`);
    const [only, ...others] = rows;
    return others.length === 0 && only?.tests === 2 && only.done >= 2 ? only.pid : null;
  };
  await expect.poll(holder, { timeout: 30_000, interval: 20 }).not.toBeNull();
  const pid = await holder();
  const victim = started.find((server) => server.pid === pid);
  expect(victim).toBeDefined();
  victim?.kill('SIGKILL');
  await victim?.ended();
  expect(silent.map(askedOf)).toEqual([1, 1]);
  for (const slug of silent) providers.get(slug)?.standIn.behave({});

  const states = async (): Promise<string[]> => {
    const { rows } = await client.query<{ told: string }>(`
      SELECT concat_ws(' ', provider_slug, state, verdict) AS told
        FROM keyward_daily_tests JOIN llm_providers ON llm_providers.id = provider_id ORDER BY provider_slug`);
    return rows.map(({ told }) => told);
  };
  // The claim of a dead server is void when it gave no sign of life for fifteen seconds.
  await expect.poll(states, { timeout: 60_000 }).toEqual(slugs.map((slug) => `${slug} done valid`));

  const { rows: records } = await client.query<{ told: string }>(`
    SELECT concat_ws(' ', provider_slug, asked_by, verdict, count(*)) AS told
      FROM keyward_key_tests GROUP BY provider_slug, asked_by, verdict ORDER BY provider_slug`);
  expect(records.map(({ told }) => told)).toEqual(slugs.map((slug) => `${slug} the daily test valid 1`));
  const { rows: events } = await client.query<{ told: string }>(`
    SELECT concat_ws(' ', event::jsonb #>> '{target,id}', count(*)) AS told FROM keyward_audit_events
     WHERE event::jsonb ->> 'action' = 'provider.key_tested' GROUP BY event::jsonb #>> '{target,id}' ORDER BY 1`);
  expect(events.map(({ told }) => told)).toEqual(slugs.map((slug) => `${slug} 1`));
  expect(slugs.map(askedOf)).toEqual(slugs.map((slug) => (silent.includes(slug) ? 2 : 1)));
});
