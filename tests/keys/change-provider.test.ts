/** Changes of a provider's key: stored, dated, counted by a revision, and recorded in the same transaction or not at all. */
import type pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { readRevision } from '../../src/database/revision.ts';
import { KeywardError } from '../../src/foundation/errors.ts';
import { Secret } from '../../src/foundation/secret.ts';
import {
  recordTest,
  removeKey,
  setSource,
  storeKey,
  type ChangeParts,
  type Written,
} from '../../src/keys/change-provider.ts';
import { readProviders, type ProviderRow } from '../../src/keys/provider-store.ts';
import type { KeyTestResult } from '../../src/keys/test-key.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { resultOf } from '../support/key-test-result.ts';
import { describeOnUsualDatabases, openOn, type OpenedDatabase } from '../support/keyward-database.ts';

const key = ['planted', 'stored', 'key', '88bb'].join('-');

async function rowOf({ database }: OpenedDatabase, slug: string): Promise<ProviderRow | undefined> {
  return (await readProviders(database.kysely)).find((row) => row.provider_slug === slug);
}

const isNow = (date: Date | null | undefined): boolean =>
  Math.abs((date?.getTime() ?? 0) - Date.now()) < 60_000;

async function storeWith(parts: ChangeParts, slug: string, text: string, source: string): Promise<Written> {
  return storeKey(parts, occasionOfTests, slug, { key: new Secret(text), source });
}

describeOnUsualDatabases('a change of a provider', (opened) => {
  let client: pg.Client;
  let parts: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    parts = await changePartsOn(opened().database);
  });
  const store = async (slug: string, text: string, source: string): Promise<Written> =>
    storeWith(parts, slug, text, source);
  const revision = async (): Promise<number> => readRevision(opened().database.kysely);
  const storedToken = async (): Promise<string> => (await rowOf(opened(), 'groq'))?.encrypted_api_key ?? '';
  const test = async (token: string, result: KeyTestResult): Promise<Written> =>
    recordTest(
      parts,
      occasionOfTests,
      'groq',
      { fingerprint: 'fp_0', source: 'database', storedToken: token },
      result,
    );
  const events = async (): Promise<{ action: string; event: string }[]> =>
    (
      await client.query<{ action: string; event: string }>(
        'SELECT action, event FROM keyward_audit_events ORDER BY sequence',
      )
    ).rows;

  it('stores a key encrypted, untested, with its date, and says which revision that made', async () => {
    const before = await revision();
    expect(await store('groq', key, 'database')).toEqual({ found: true, revision: before + 1 });
    expect(await revision()).toBe(before + 1);
    const row = await rowOf(opened(), 'groq');
    expect(row).toMatchObject({
      api_key_source: 'database',
      api_key_test_status: 'untested',
      api_key_last_tested: null,
    });
    expect(parts.ring.decrypt(row?.encrypted_api_key ?? '').secret.reveal()).toBe(key);
    expect(isNow(row?.api_key_updated_at)).toBe(true);
  });

  it('binds the key to the provider and its host, also when the same key is entered once more', async () => {
    for (let times = 0; times < 3; times += 1) {
      await store('groq', key, 'database');
      const { api_key_binding: binding } = (await rowOf(opened(), 'groq')) ?? {};
      const place = { slug: 'groq', host: 'api.groq.com:443' };
      expect(parts.ring.verifyBinding(binding ?? '', new Secret(key), place)).toBe('good');
    }
    await removeKey(parts, occasionOfTests, 'groq');
    expect(await rowOf(opened(), 'groq')).toMatchObject({ api_key_binding: null });
  });

  it('leaves a key that SQL puts in its place without a binding', async () => {
    await store('groq', key, 'database');
    await client.query("UPDATE llm_providers SET encrypted_api_key = 'x' WHERE provider_slug = 'groq'");
    expect(await rowOf(opened(), 'groq')).toMatchObject({ api_key_binding: null });
  });

  it('forgets the verdict of the old key when it stores a new one', async () => {
    await store('groq', key, 'database');
    await test(await storedToken(), resultOf('invalid'));
    await store('groq', `${key}-2`, 'hybrid');
    expect(await rowOf(opened(), 'groq')).toMatchObject({
      api_key_source: 'hybrid',
      api_key_test_status: 'untested',
      api_key_last_tested: null,
    });
  });

  it('removes a key with what was known of it, and leaves the source as it is', async () => {
    await store('groq', key, 'hybrid');
    await test(await storedToken(), resultOf('valid'));
    const before = await revision();
    expect(await removeKey(parts, occasionOfTests, 'groq')).toEqual({ found: true, revision: before + 1 });
    expect(await rowOf(opened(), 'groq')).toMatchObject({
      encrypted_api_key: null,
      api_key_source: 'hybrid',
      api_key_test_status: null,
      api_key_last_tested: null,
    });
  });

  it('sets the source and nothing else', async () => {
    await store('groq', key, 'database');
    const before = await rowOf(opened(), 'groq');
    await setSource(parts, occasionOfTests, 'groq', { source: 'environment' });
    expect(await rowOf(opened(), 'groq')).toEqual({ ...before, api_key_source: 'environment' });
  });

  it('records a test with its time, to the millisecond, on the row and in the history', async () => {
    const testedAt = new Date('2026-01-02T03:04:05.678Z');
    await store('groq', key, 'database');
    expect(await test(await storedToken(), resultOf('valid', testedAt))).toMatchObject({ found: true });
    expect(await rowOf(opened(), 'groq')).toMatchObject({
      api_key_test_status: 'valid',
      api_key_last_tested: testedAt,
    });
    const history = await opened().database.kysely.selectFrom('keyward_key_tests').selectAll().execute();
    expect(history).toMatchObject([
      {
        provider_slug: 'groq',
        fingerprint: 'fp_0',
        verdict: 'valid',
        tested_at: testedAt,
        asked_by: 'a test',
      },
    ]);
  });

  it('keeps a late test of a key that has been replaced meanwhile off the row', async () => {
    await store('groq', `${key}-new`, 'database');
    const before = await revision();
    expect(await test('an older token', resultOf('invalid'))).toEqual({ found: false, revision: before });
    expect(await rowOf(opened(), 'groq')).toMatchObject({ api_key_test_status: 'untested' });
  });

  it('changes nothing for a slug that is not there, and says so', async () => {
    const before = await revision();
    for (const write of [store('nobody', key, 'database'), removeKey(parts, occasionOfTests, 'nobody')])
      expect(await write).toEqual({ found: false, revision: before });
    expect(await events()).toEqual([]);
  });

  it('takes a slug for a value and never for SQL', async () => {
    const slug = `groq' OR '1'='1`;
    expect(await removeKey(parts, occasionOfTests, slug)).toMatchObject({ found: false });
    expect(await readProviders(opened().database.kysely)).toHaveLength(12);
  });

  it('is recorded once, with the fingerprints of the key before and after and never with the key', async () => {
    await store('groq', key, 'database');
    await store('groq', `${key}-2`, 'hybrid');
    const [, second, ...more] = await events();
    expect(more).toEqual([]);
    const { before, after } = JSON.parse(second?.event ?? '{}') as Record<string, unknown>;
    expect(before).toMatchObject({
      source: 'database',
      fingerprint: parts.fingerprinter.of(new Secret(key)),
    });
    expect(after).toMatchObject({
      source: 'hybrid',
      fingerprint: parts.fingerprinter.of(new Secret(`${key}-2`)),
    });
    expect(JSON.stringify(await events())).not.toContain(key);
  });

  it('does not happen when its event cannot be written', async () => {
    await store('groq', key, 'database');
    const before = await rowOf(opened(), 'groq');
    await client.query('ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (sequence < 2)');
    const refused = removeKey(parts, occasionOfTests, 'groq');
    await expect(refused).rejects.toMatchObject({ code: 'audit_unavailable', status: 503 });
    expect(await rowOf(opened(), 'groq')).toEqual(before);
  });

  it('under If-Match happens only while the provider is as it was at that revision', async () => {
    const read = await revision();
    await setSource(parts, occasionOfTests, 'xai', { source: 'hybrid' });
    const first = await setSource(parts, occasionOfTests, 'groq', { source: 'hybrid', ifRevision: read });
    expect(first.found).toBe(true);
    const late = setSource(parts, occasionOfTests, 'groq', { source: 'database', ifRevision: read });
    await expect(late).rejects.toThrow(KeywardError);
    await expect(late).rejects.toMatchObject({ code: 'revision_mismatch', status: 412 });
    expect(await rowOf(opened(), 'groq')).toMatchObject({ api_key_source: 'hybrid' });
    expect(
      await setSource(parts, occasionOfTests, 'groq', { source: 'database', ifRevision: first.revision }),
    ).toMatchObject({ found: true });
  });
});

describe('writers at the same time', () => {
  it('each get the revision of their own change', async () => {
    const opened = await openOn('postgres');
    await opened.empty();
    const { kysely } = opened.database;
    const parts = await changePartsOn(opened.database);
    const slugs = (await readProviders(kysely)).map(({ provider_slug: slug }) => slug);
    const before = await readRevision(kysely);
    const written = await Promise.all(slugs.map(async (slug) => storeWith(parts, slug, key, 'database')));
    const revisions = written.map(({ revision }) => revision).toSorted((a, b) => a - b);
    expect(revisions).toEqual(slugs.map((_, index) => before + index + 1));
    await opened.close();
  });

  it('who read the same revision: one is served, the other refused', async () => {
    const opened = await openOn('postgres');
    await opened.empty();
    const parts = await changePartsOn(opened.database);
    const ifRevision = await readRevision(opened.database.kysely);
    const outcomes = await Promise.allSettled(
      ['database', 'hybrid'].map(async (source) =>
        setSource(parts, occasionOfTests, 'groq', { source, ifRevision }),
      ),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await opened.close();
  });
});
