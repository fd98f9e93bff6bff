/** Migration 011 and its rollback: limits, aliases and usage, beside a log and keys that other programs write. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { applyUpTo, migration, readCatalogue } from './catalogue.ts';

const apply = migration('011_add_gateway');
const rollback = migration('011_add_gateway_rollback');

async function one(client: RawClient, query: string): Promise<unknown> {
  const [row] = await client.query(query);
  return Object.values(row ?? {})[0];
}

const revision = async (client: RawClient): Promise<number> =>
  Number(await one(client, 'SELECT revision FROM keyward_revision'));

const userKey = `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
  SELECT 'somebody', id, 'a token' FROM llm_providers WHERE provider_slug = 'groq'`;
const limits = `INSERT INTO keyward_token_limits (token_id, owner, requests_per_minute, changed_by) VALUES (7, 'somebody', 60, 'an administrator')`;
const alias = `INSERT INTO keyward_model_aliases (alias, targets, changed_by) VALUES ('fast', '{groq/llama}', 'an administrator')`;

describeOnUsualEngines('migration 011', (client) => {
  beforeEach(async () => applyUpTo(client(), '011'));

  test('a key that a user brought moves the revision, and what is counted of its use does not', async () => {
    const before = await revision(client());
    await client().exec(userKey);
    expect(await revision(client())).toBe(before + 1);
    await client().exec(
      `UPDATE user_api_keys SET total_requests = 5, last_used_at = now() AT TIME ZONE 'UTC', is_validated = TRUE`,
    );
    expect(await revision(client())).toBe(before + 1);
    await client().exec('UPDATE user_api_keys SET is_active = FALSE');
    expect(await revision(client())).toBe(before + 2);
    await client().exec('DELETE FROM user_api_keys');
    expect(await revision(client())).toBe(before + 3);
  });

  test('limits and aliases move the revision, and are noted when somebody else writes them', async () => {
    const before = await revision(client());
    await client().exec(limits);
    await client().exec(alias);
    expect(await revision(client())).toBe(before + 2);
    expect(await client().query('SELECT table_name FROM keyward_foreign_changes ORDER BY id')).toEqual([
      { table_name: 'keyward_token_limits' },
      { table_name: 'keyward_model_aliases' },
    ]);
  });

  test('another program goes on writing its log as before', async () => {
    await client().exec(`INSERT INTO llm_usage_logs (user_id, request_id) VALUES ('somebody', 'r-1')`);
    expect(await one(client(), 'SELECT key_fingerprint FROM llm_usage_logs')).toBeNull();
  });
});

describeOnUsualEngines('the rollback of migration 011', (client) => {
  test('leaves the catalogue of 010 and every row of the log, twice in a row', async () => {
    await applyUpTo(client(), '010');
    const before = await readCatalogue(client());
    await client().exec(apply);
    await client().exec(
      `INSERT INTO llm_usage_logs (user_id, request_id, attempts) VALUES ('somebody', 'r-1', 2)`,
    );
    await client().exec(rollback);
    await client().exec(rollback);
    expect(await readCatalogue(client())).toEqual(before);
    expect(await one(client(), 'SELECT request_id FROM llm_usage_logs')).toBe('r-1');
  });

  test('keeps limits and aliases, and the next apply brings them back', async () => {
    await applyUpTo(client(), '011');
    const before = await readCatalogue(client());
    await client().exec(limits);
    await client().exec(alias);
    await client().exec(rollback);
    expect(await one(client(), 'SELECT owner FROM keyward_gateway_saved_token_limits')).toBe('somebody');
    await client().exec(apply);
    expect(await one(client(), 'SELECT owner FROM keyward_token_limits')).toBe('somebody');
    expect(await one(client(), 'SELECT targets[1] FROM keyward_model_aliases')).toBe('groq/llama');
    expect(await readCatalogue(client())).toEqual(before);
  });
});
