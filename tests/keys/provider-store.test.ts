/** The tables of providers and models: what is read is what is there, and every write says which revision it made. */
import type pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  readEncryptedRows,
  readFingerprintKey,
  readModels,
  readProviders,
  readRevision,
  recordTest,
  removeKey,
  setSource,
  storeKey,
  type ProviderRow,
} from '../../src/keys/provider-store.ts';
import { describeOnEachDatabase, openOn, type OpenedDatabase } from '../support/keyward-database.ts';

const token = ['fernet', 'token', 'of', 'a', 'test'].join('-');

async function rowOf({ database }: OpenedDatabase, slug: string): Promise<ProviderRow | undefined> {
  return (await readProviders(database.kysely)).find((row) => row.provider_slug === slug);
}

const isNow = (date: Date | null | undefined): boolean =>
  Math.abs((date?.getTime() ?? 0) - Date.now()) < 60_000;

describeOnEachDatabase('the store', (opened) => {
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

  it('stores a key as untested, with its date, and says which revision that made', async () => {
    const { kysely } = opened().database;
    const before = await readRevision(kysely);
    expect(await storeKey(kysely, 'groq', token, 'database')).toEqual({ found: true, revision: before + 1 });
    expect(await readRevision(kysely)).toBe(before + 1);
    const row = await rowOf(opened(), 'groq');
    expect(row).toMatchObject({
      encrypted_api_key: token,
      api_key_source: 'database',
      api_key_test_status: 'untested',
      api_key_last_tested: null,
    });
    expect(isNow(row?.api_key_updated_at)).toBe(true);
  });

  it('forgets the verdict of the old key when it stores a new one', async () => {
    const { kysely } = opened().database;
    await storeKey(kysely, 'groq', token, 'database');
    await recordTest(kysely, 'groq', token, { status: 'invalid', testedAt: new Date() });
    await storeKey(kysely, 'groq', `${token}-2`, 'hybrid');
    expect(await rowOf(opened(), 'groq')).toMatchObject({
      api_key_source: 'hybrid',
      api_key_test_status: 'untested',
      api_key_last_tested: null,
    });
  });

  it('removes a key with what was known of it, and leaves the source as it is', async () => {
    const { kysely } = opened().database;
    await storeKey(kysely, 'groq', token, 'hybrid');
    await recordTest(kysely, 'groq', token, { status: 'valid', testedAt: new Date() });
    const before = await readRevision(kysely);
    expect(await removeKey(kysely, 'groq')).toEqual({ found: true, revision: before + 1 });
    expect(await rowOf(opened(), 'groq')).toMatchObject({
      encrypted_api_key: null,
      api_key_source: 'hybrid',
      api_key_test_status: null,
      api_key_last_tested: null,
    });
  });

  it('sets the source and nothing else', async () => {
    const { kysely } = opened().database;
    await storeKey(kysely, 'groq', token, 'database');
    const before = await rowOf(opened(), 'groq');
    await setSource(kysely, 'groq', 'environment');
    expect(await rowOf(opened(), 'groq')).toEqual({ ...before, api_key_source: 'environment' });
  });

  it('records a test with its time, to the millisecond', async () => {
    const { kysely } = opened().database;
    const testedAt = new Date('2026-01-02T03:04:05.678Z');
    await storeKey(kysely, 'groq', token, 'database');
    expect(await recordTest(kysely, 'groq', token, { status: 'valid', testedAt })).toMatchObject({
      found: true,
    });
    expect(await rowOf(opened(), 'groq')).toMatchObject({
      api_key_test_status: 'valid',
      api_key_last_tested: testedAt,
    });
  });

  it('does not record a test of a key that has been replaced meanwhile', async () => {
    const { kysely } = opened().database;
    await storeKey(kysely, 'groq', `${token}-new`, 'database');
    const before = await readRevision(kysely);
    const late = await recordTest(kysely, 'groq', token, { status: 'invalid', testedAt: new Date() });
    expect(late).toEqual({ found: false, revision: before });
    expect(await rowOf(opened(), 'groq')).toMatchObject({ api_key_test_status: 'untested' });
  });

  it('changes nothing for a slug that is not there, and says so', async () => {
    const { kysely } = opened().database;
    const before = await readRevision(kysely);
    for (const write of [storeKey(kysely, 'nobody', token, 'database'), removeKey(kysely, 'nobody')])
      expect(await write).toEqual({ found: false, revision: before });
  });

  it('takes a slug for a value and never for SQL', async () => {
    const { kysely } = opened().database;
    const slug = `groq' OR '1'='1`;
    expect(await removeKey(kysely, slug)).toMatchObject({ found: false });
    expect(await readProviders(kysely)).toHaveLength(12);
  });

  it('gives every stored token with the name of its row, system keys and those of users', async () => {
    const { kysely } = opened().database;
    expect(await readEncryptedRows(kysely)).toEqual([]);
    await storeKey(kysely, 'groq', token, 'database');
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
    await opened().empty();
    expect(await readFingerprintKey(opened().database.kysely)).not.toEqual(key);
  });
});

describeOnEachDatabase('the models', (opened) => {
  const add = (slug: string, id: string, name: string, active = 'true'): string =>
    `INSERT INTO llm_models (provider_id, model_id, model_name, display_name, is_active)
     SELECT id, '${id}', '${name}', 'x', ${active} FROM llm_providers WHERE provider_slug = '${slug}';`;

  it('lead from the id and from the name to the slug of the provider', async () => {
    const client = await opened().connect();
    await client.query(add('groq', 'llama-3', 'Llama 3') + add('openai', 'gpt', 'GPT', 'NULL'));
    expect(await readModels(opened().database.kysely)).toEqual(
      new Map([
        ['llama-3', 'groq'],
        ['Llama 3', 'groq'],
        ['gpt', 'openai'],
        ['GPT', 'openai'],
      ]),
    );
  });

  it('leave out what is not active, the model or its provider', async () => {
    const client = await opened().connect();
    await client.query(
      `${add('groq', 'a', 'a', 'false')} ${add('xai', 'b', 'b')} UPDATE llm_providers SET is_active = false WHERE provider_slug = 'xai'`,
    );
    expect(await readModels(opened().database.kysely)).toEqual(new Map());
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
    const models = await readModels(opened().database.kysely);
    expect([models.get('shared'), models.get('claimed')]).toEqual(['groq', 'cohere']);
  });
});

describe('writers at the same time', () => {
  it('each get the revision of their own change', async () => {
    const opened = await openOn('postgres');
    await opened.empty();
    const { kysely } = opened.database;
    const slugs = (await readProviders(kysely)).map(({ provider_slug: slug }) => slug);
    const before = await readRevision(kysely);
    const written = await Promise.all(slugs.map(async (slug) => storeKey(kysely, slug, token, 'database')));
    const revisions = written.map(({ revision }) => revision).toSorted((a, b) => a - b);
    expect(revisions).toEqual(slugs.map((_, index) => before + index + 1));
    await opened.close();
  });
});
