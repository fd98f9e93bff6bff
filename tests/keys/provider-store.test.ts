/** The tables of providers and models: what is read is what is there. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { migrateAtStart } from '../../src/database/migrations/shipped-migrations.ts';
import {
  readEncryptedRows,
  readFingerprintKey,
  readModels,
  readProviders,
} from '../../src/keys/provider-store.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const token = ['fernet', 'token', 'of', 'a', 'test'].join('-');

describeOnUsualDatabases('the store', (opened) => {
  let client: pg.Client;
  beforeEach(async () => {
    client = await opened().connect();
  });

  it('lists all providers by slug, the inactive ones too', async () => {
    await client.query(
      `UPDATE llm_providers SET is_active = CASE provider_slug WHEN 'groq' THEN false WHEN 'xai' THEN NULL ELSE true END`,
    );
    const rows = await readProviders(opened().database.kysely);
    const slugs = rows.map(({ provider_slug: slug }) => slug);
    expect(slugs).toEqual(slugs.toSorted((a, b) => a.localeCompare(b)));
    expect(slugs).toHaveLength(12);
    expect(
      rows.filter((row) => row.is_active !== true).map((row) => [row.provider_slug, row.is_active]),
    ).toEqual([
      ['groq', false],
      ['xai', null],
    ]);
  });

  it('gives every stored token with the name of its row, system keys and those of users', async () => {
    const { kysely } = opened().database;
    expect(await readEncryptedRows(kysely)).toEqual([]);
    await client.query(
      `UPDATE llm_providers SET encrypted_api_key = '${token}' WHERE provider_slug = 'groq'`,
    );
    const { rows } = await client.query<{ id: number }>(
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT 'u', min(id), 'of-a-user' FROM llm_providers RETURNING id`,
    );
    expect(await readEncryptedRows(kysely)).toEqual([
      { name: 'groq', token },
      { name: `user_api_keys ${rows[0]?.id}`, token: 'of-a-user' },
    ]);
  });

  it('has one key of fingerprints, of 32 bytes, that stays', async () => {
    const key = await readFingerprintKey(opened().database.kysely);
    expect(key).toHaveLength(32);
    expect(await readFingerprintKey(opened().database.kysely)).toEqual(key);
  });

  it('that was made anew has another key of fingerprints', async () => {
    const key = await readFingerprintKey(opened().database.kysely);
    await opened().empty({ migrate: false });
    await migrateAtStart(opened().database, () => undefined);
    expect(await readFingerprintKey(opened().database.kysely)).not.toEqual(key);
  });
});

describeOnUsualDatabases('the models', (opened) => {
  const add = (slug: string, id: string, name: string, active = 'true'): string =>
    `INSERT INTO llm_models (provider_id, model_id, model_name, display_name, is_active)
     SELECT id, '${id}', '${name}', 'x', ${active} FROM llm_providers WHERE provider_slug = '${slug}';`;

  it('lead from the id and from the name to the slug of the provider, and to the id there', async () => {
    const client = await opened().connect();
    await client.query(add('groq', 'llama-3', 'Llama 3') + add('openai', 'gpt', 'GPT', 'NULL'));
    const llama = { name: 'Llama 3', slug: 'groq', modelId: 'llama-3', displayName: 'x' };
    const gpt = { name: 'GPT', slug: 'openai', modelId: 'gpt', displayName: 'x' };
    expect((await readModels(opened().database.kysely)).models).toEqual(
      new Map([
        ['llama-3', llama],
        ['Llama 3', llama],
        ['gpt', gpt],
        ['GPT', gpt],
      ]),
    );
  });

  it('leave out what is not active, the model or its provider', async () => {
    const client = await opened().connect();
    await client.query(
      `${add('groq', 'a', 'a', 'false')} ${add('xai', 'b', 'b')} UPDATE llm_providers SET is_active = false WHERE provider_slug = 'xai'`,
    );
    expect(await readModels(opened().database.kysely)).toEqual({
      models: new Map(),
      off: new Set(['groq/a']),
    });
  });

  it('of a shared name belong to the oldest, and an id outranks a name', async () => {
    const client = await opened().connect();
    await client.query(
      add('groq', 'shared', 'first') +
        add('openai', 'shared', 'second') +
        add('xai', 'other', 'shared') +
        add('mistral', 'y', 'claimed') +
        add('cohere', 'claimed', 'z'),
    );
    const { models } = await readModels(opened().database.kysely);
    expect([models.get('shared')?.slug, models.get('claimed')?.slug]).toEqual(['groq', 'cohere']);
  });
});
