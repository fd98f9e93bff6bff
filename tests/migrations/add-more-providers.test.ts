/** Migration 003 and its rollback, which takes back only what nobody has made their own. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { migration } from './catalogue.ts';

const apply = migration('003_add_more_providers');
const rollback = migration('003_add_more_providers_rollback');
const seven = ['openai', 'anthropic', 'google', 'openrouter', 'together', 'groq', 'fireworks'];
const five = ['mistral', 'xai', 'deepseek', 'perplexity', 'cohere'];

async function slugs(client: RawClient): Promise<unknown[]> {
  return (await client.query('SELECT provider_slug FROM llm_providers ORDER BY id')).map(
    (row) => row['provider_slug'],
  );
}

describeOnUsualEngines('migration 003', (client) => {
  beforeEach(async () => {
    await client().exec(migration('001_create_llm_tables'));
    await client().exec(migration('002_add_system_api_keys'));
  });

  test('adds the five providers, once', async () => {
    await client().exec(apply);
    await client().exec(apply);
    expect(await slugs(client())).toEqual([...seven, ...five]);
  });

  test.each([
    ['slug', "('Mine', 'mistral', 'Mine')"],
    ['name', "('Mistral', 'mine', 'Mine')"],
  ])('leaves a provider alone that has the %s already, also when it is rolled back', async (_, values) => {
    await client().exec(
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ${values}`,
    );
    const mine = "SELECT * FROM llm_providers WHERE display_name = 'Mine'";
    const before = await client().query(mine);
    await client().exec(apply);
    expect(await slugs(client())).toHaveLength(12);
    await client().exec(rollback);
    expect(await client().query(mine)).toEqual(before);
    expect(await slugs(client())).toHaveLength(8);
  });

  test('is rolled back to the seven, before and after 002 is, twice in a row', async () => {
    await client().exec(apply);
    await client().exec(rollback);
    expect(await slugs(client())).toEqual(seven);
    await client().exec(apply);
    await client().exec(migration('002_add_system_api_keys_rollback'));
    await client().exec(rollback);
    await client().exec(rollback);
    expect(await slugs(client())).toEqual(seven);
  });

  test.each([
    ['has a key', "UPDATE llm_providers SET encrypted_api_key = 'token' WHERE provider_slug = 'xai'"],
    ['had a key', "UPDATE llm_providers SET api_key_updated_at = now() WHERE provider_slug = 'xai'"],
    [
      'has a source of its own',
      "UPDATE llm_providers SET api_key_source = 'hybrid' WHERE provider_slug = 'xai'",
    ],
    [
      'has another address',
      "UPDATE llm_providers SET base_url = 'https://example.test' WHERE provider_slug = 'xai'",
    ],
    ['was switched off', "UPDATE llm_providers SET is_active = FALSE WHERE provider_slug = 'xai'"],
    [
      'has a model',
      "INSERT INTO llm_models (provider_id, model_name, model_id, display_name) SELECT id, 'm', 'm', 'm' FROM llm_providers WHERE provider_slug = 'xai'",
    ],
    [
      'has a user key',
      "INSERT INTO user_api_keys (provider_id, user_id, encrypted_api_key) SELECT id, 'u', 't' FROM llm_providers WHERE provider_slug = 'xai'",
    ],
    [
      'was called',
      "INSERT INTO llm_usage_logs (provider_id, user_id) SELECT id, 'u' FROM llm_providers WHERE provider_slug = 'xai'",
    ],
  ])('keeps a provider on rollback that %s, and says so', async (_, use) => {
    await client().exec(apply);
    await client().exec(use);
    client().takeNotices();
    await client().exec(rollback);
    expect(await slugs(client())).toEqual([...seven, 'xai']);
    expect(client().takeNotices()).toMatchObject([{ message: expect.stringContaining('stay: xai') }]);
  });
});
