/** A database in which every table that an archive holds has rows, among them values that programs have lost before; and its rows, to compare. */
import type pg from 'pg';
import { createToken } from '../../src/auth/token-store.ts';
import type { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import { admitRing } from '../../src/keys/reencryption/keys-in-use.ts';
import { setManagement } from '../../src/keys/rotation/management-store.ts';
import { setSchedule } from '../../src/keys/rotation/schedule-store.ts';
import { startRotation } from '../../src/keys/rotation/start-rotation.ts';
import { archivedTables } from '../../src/backup/archived-tables.ts';
import { occasionOfTests } from './audited.ts';
import type { OpenedDatabase } from './keyward-database.ts';
import { keyActPartsOn, rotatingKey, storeFirstKey } from './rotating.ts';

/** What a text can hold and a format may lose. */
const oddTexts = [
  '',
  ' ',
  'a\nb\r\tc',
  '\\N',
  '\\.',
  '"[1]"',
  "'; --",
  'ß 漢 \u{1f600}',
  '\u2028\u0001',
  'null',
];
const oddTimes = [
  'infinity',
  '-infinity',
  '2026-01-02 03:04:05.123456',
  '0044-03-15 12:00:00 BC',
  '9999-12-31',
];

/** Keys, a rotation that is under way, tokens, a schedule, and everything else by SQL. */
export async function liveIn(opened: OpenedDatabase, ring: KeyRing): Promise<void> {
  const { database } = opened;
  await admitRing(database.kysely, ring, 'the test');
  const acts = await keyActPartsOn(opened, ring, 'http://127.0.0.1:9');
  await storeFirstKey(acts, rotatingKey(1));
  await startRotation(acts, occasionOfTests, 'openrouter', { key: new Secret(rotatingKey(2)) });
  // The first key of a provider, staged while none is stored.
  await startRotation(acts, occasionOfTests, 'groq', { key: new Secret(rotatingKey(3)) });
  await setManagement(acts, occasionOfTests, 'openrouter', { credential: new Secret(rotatingKey(4)) });
  await setSchedule(acts, occasionOfTests, 'openrouter', {
    everyDays: 30,
    beforeExpiryDays: null,
    jitterMinutes: 120,
    window: { from: 60, to: 120 },
  });
  await createToken(acts.changes.audit, occasionOfTests, { kind: 'gateway', name: 'an application' });
  await createToken(acts.changes.audit, occasionOfTests, { kind: 'admin', name: 'ß', role: 'viewer' });
  await storeKey(acts.changes, occasionOfTests, 'xai', { key: new Secret(rotatingKey(5)), source: 'hybrid' });
  const client = await opened.connect();
  await addRows(client, ring);
  // Numbers that were given and taken back are not given again.
  await client.query(`INSERT INTO llm_routing_rules (model_id, power_level, user_tier)
    SELECT id, 'high', 'free' FROM llm_models LIMIT 1`);
  await client.query(`DELETE FROM llm_routing_rules WHERE id = (SELECT max(id) FROM llm_routing_rules)`);
}

async function addRows(client: pg.Client, ring: KeyRing): Promise<void> {
  const token = ring.encrypt(new Secret(rotatingKey(6)));
  await client.query(
    `INSERT INTO llm_models (provider_id, model_name, model_id, display_name, description, deprecation_date, cost_per_1m_input_tokens)
     SELECT 1, 'model ' || n, 'm-' || n, text, text, time::timestamp, 0.123456
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (text, time, n)`,
    [oddTexts.map((text) => text || '-'), oddTexts.map((_, index) => oddTimes[index] ?? null)],
  );
  // More than go in with one statement.
  await client.query(
    `INSERT INTO llm_models (provider_id, model_name, model_id, display_name) SELECT 2, 'n' || n, 'n' || n, 'n' FROM generate_series(1, 600) AS n`,
  );
  // Each is replaced by a later one, and the last by the first.
  await client.query(
    `UPDATE llm_models AS m SET replacement_model_id = coalesce((SELECT min(id) FROM llm_models n WHERE n.id > m.id), (SELECT min(id) FROM llm_models))`,
  );
  await client.query(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, key_name, total_requests, total_cost_usd)
     SELECT 'user ' || n, 1, $1, text, 9223372036854775807, -9999.999999 FROM unnest($2::text[]) WITH ORDINALITY AS t (text, n)`,
    [token, oddTexts],
  );
  await client.query(
    `INSERT INTO llm_routing_rules (model_id, power_level, user_tier) SELECT id, 'high', 'free' FROM llm_models`,
  );
  await client.query(
    `INSERT INTO llm_usage_logs (user_id, provider_id, model_id, user_key_id, error_message, tokens_per_second)
     SELECT 'user 1', 1, (SELECT min(id) FROM llm_models), (SELECT min(id) FROM user_api_keys), text, 'NaN' FROM unnest($1::text[]) AS t (text)`,
    [oddTexts],
  );
  await client.query(
    `INSERT INTO keyward_key_tests (provider_slug, fingerprint, source, verdict, message, advice, response_time_ms, asked_by, tested_at)
     SELECT 'openrouter', 'fp_0', 'database', 'valid', text, '', 12, 'a test', now() AT TIME ZONE 'UTC' FROM unnest($1::text[]) AS t (text)`,
    [oddTexts],
  );
  await client.query(
    `INSERT INTO keyward_key_policies (provider_id, owner, snoozed_until, snooze_reason, changed_by)
     SELECT id, 'the platform team', '2026-03-01 00:00:00.123456', 'closing', 'somebody' FROM llm_providers WHERE provider_slug = 'groq';
     INSERT INTO keyward_daily_tests (provider_id, day, due_at, state, verdict) VALUES (1, '2028-02-29', '2028-02-29 02:03:04.5', 'done', 'valid');
     INSERT INTO keyward_live_verdicts (provider_id, fingerprint, verdict, calls) VALUES (1, 'fp_1', 'valid', 7);
     INSERT INTO keyward_alerts (cause, kind, severity, details) VALUES ('key_dead groq', 'key_dead', 'critical', '{"since": "then"}');
     INSERT INTO keyward_alert_channels (name, kind, changed_by) VALUES ('log', 'log', 'somebody');
     INSERT INTO keyward_alert_deliveries (alert_id, channel_id, event) VALUES (1, 1, 'opened')`,
  );
  await client.query(
    `INSERT INTO keyward_token_limits (token_id, owner, allowed_models, daily_budget_usd, changed_by)
     VALUES (1, 'user 1', '{openai/*,"groq/a,b"}', 12.345678, 'somebody');
     INSERT INTO keyward_model_aliases (alias, targets, changed_by) VALUES ('gpt-*', '{openai/*}', 'somebody');
     INSERT INTO keyward_usage_daily (day, provider, model, key_fingerprint, requests, cost_usd)
     VALUES ('2028-02-29', 'openai', '', 'fp_1', 3, 0.000000001)`,
  );
  await client.query(
    `INSERT INTO keyward_rotation_traffic (rotation_id, instance_id, which_key, calls, errors, refusals)
     SELECT id, gen_random_uuid(), 'new', 3, 2, 1 FROM keyward_rotations`,
  );
  await client.query(
    `UPDATE llm_providers SET request_headers = '{"x-a": "\\u00df", "n": 1.50, "deep": [null, {"b": "\\""}]}' WHERE provider_slug = 'xai'`,
  );
}

/**
 * Of each table its rows as text, sorted.
 * @param without tables that are not looked at
 */
export async function archivedRows(
  client: pg.Client,
  without: readonly string[] = [],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const found: Record<string, string[]> = {};
  for (const { table } of archivedTables) {
    if (without.includes(table)) continue;
    const { rows } = await client.query<{ row: string }>(
      `SELECT t::text AS row FROM ${table} AS t ORDER BY 1`,
    );
    found[table] = rows.map(({ row }) => row);
  }
  return found;
}

/** The next number of each sequence. */
export async function nextNumbers(client: pg.Client): Promise<Readonly<Record<string, number>>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace ORDER BY 1`,
  );
  const numbers: Record<string, number> = {};
  for (const { name } of rows) {
    const { rows: states } = await client.query<{ next: string }>(
      `SELECT last_value + is_called::int AS next FROM ${name}`,
    );
    numbers[name] = Number(states[0]?.next);
  }
  return numbers;
}
