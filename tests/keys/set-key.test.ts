/** A key that is set: what happens between the answer of the provider and the row, on both engines. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { generateToken } from '../../src/auth/token.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { setSource, storeKey } from '../../src/keys/change-provider.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { listKeyTests } from '../../src/keys/key-test-history.ts';
import { findProvider, type ListedProvider } from '../../src/keys/list-providers.ts';
import { setManagement } from '../../src/keys/rotation/management-store.ts';
import { startRotation } from '../../src/keys/rotation/start-rotation.ts';
import { setKey, sourceThatServes } from '../../src/keys/set-key.ts';
import { testCandidate } from '../../src/keys/test-provider-key.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const first = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const second = ['sk', 'or', 'v1', 'c0de'.repeat(16)].join('-');

it.each([
  ['environment', 'database'],
  ['database', 'database'],
  ['hybrid', 'hybrid'],
  ['a value that nobody knows', 'database'],
])('after %s the source that serves a stored key is %s', (before, after) => {
  expect(sourceThatServes({ api_key_source: before })).toBe(after);
});

describeOnUsualDatabases('setting a key', (opened) => {
  let provider: StandInProvider;
  let parts: KeyActParts;

  beforeEach(async () => {
    provider = await startStandInProvider({ keys: [first, second] });
    parts = {
      changes: await changePartsOn(opened().database),
      config: loadConfig({ OPENROUTER_BASE_URL: provider.baseUrl }),
      database: opened().database,
      clock: systemClock,
    };
  });
  afterEach(async () => provider.close());

  const row = async (): Promise<ListedProvider> => {
    const found = await findProvider(opened().database.kysely, 'openrouter');
    if (found === undefined) throw new Error('openrouter is seeded');
    return found;
  };
  const history = async () =>
    (await listKeyTests(opened().database.kysely, 'openrouter', { before: null, limit: 9 })).rows;

  it('records the test on the row and as one of the stored key', async () => {
    const { revision } = await setKey(parts, occasionOfTests, await row(), { key: new Secret(first) });
    expect(await row()).toMatchObject({ api_key_test_status: 'valid', revision });
    expect(await history()).toMatchObject([{ source: 'database', verdict: 'valid' }]);
  });

  it('does not put its verdict on another key that stands in the row by then', async () => {
    const client = await opened().connect();
    const other = parts.changes.ring.encrypt(new Secret(second));
    // As if another administrator had written between the two statements.
    await client.query(`
      CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.encrypted_api_key := '${other}'; RETURN NEW; END $$;
      CREATE TRIGGER a_planted BEFORE UPDATE OF encrypted_api_key ON llm_providers
        FOR EACH ROW EXECUTE FUNCTION planted()`);
    await setKey(parts, occasionOfTests, await row(), { key: new Secret(first) });
    expect(await row()).toMatchObject({ encrypted_api_key: other, api_key_test_status: 'untested' });
    expect(await history()).toMatchObject([{ source: 'candidate', verdict: 'valid' }]);
  });

  it('leaves no part of the key in what is recorded, wherever else in the request it stood', async () => {
    const plain = ['plainnoprefixkey', randomBytes(12).toString('hex')].join('-');
    const { actor } = occasionOfTests;
    await setKey(
      parts,
      { actor: { ...actor, userAgent: `agent ${plain}` }, reason: `because ${plain} is new` },
      await row(),
      { key: new Secret(plain), skipTest: true },
    );
    const client = await opened().connect();
    const { rows } = await client.query<{ event: string }>('SELECT event FROM keyward_audit_events');
    expect(rows.map(({ event }) => event).join('\n')).toContain('because [redacted] is new');
    expect(JSON.stringify(rows)).not.toContain(plain);
  });

  it('that comes too late for its revision stores nothing, and the test is on record as that of a candidate', async () => {
    const before = await row();
    provider.behave({ insteadOfHeaders: 'stall', requests: 1 });
    const late = setKey(parts, occasionOfTests, before, {
      key: new Secret(first),
      ifRevision: before.revision,
    });
    const outcome = Promise.allSettled([late]);
    await provider.waitForStall();
    await setSource(parts.changes, occasionOfTests, 'openrouter', { source: 'hybrid' });
    provider.release('rest');
    expect(await outcome).toMatchObject([{ reason: { code: 'revision_mismatch', status: 412 } }]);
    expect(await row()).toMatchObject({ encrypted_api_key: null, api_key_source: 'hybrid' });
    expect(await history()).toMatchObject([{ source: 'candidate', verdict: 'valid' }]);
  });

  it('for a revision that is past already asks nobody', async () => {
    const { revision } = await row();
    await setSource(parts.changes, occasionOfTests, 'openrouter', { source: 'hybrid' });
    const late = setKey(parts, occasionOfTests, await row(), {
      key: new Secret(first),
      ifRevision: revision,
    });
    await expect(late).rejects.toMatchObject({ code: 'revision_mismatch', status: 412 });
    expect(provider.requests).toEqual([]);
    expect(await history()).toEqual([]);
  });

  it('that is a token or an encryption key of Keyward is refused, stored nowhere and sent to nobody', async () => {
    const encryptionKey = generateEncryptionKey();
    const ring = KeyRing.parse(encryptionKey);
    const chosen = new Secret(['chosen', 'by', 'an', 'operator'].join('-'));
    const config = { ...parts.config, adminToken: chosen };
    const own = [generateToken('admin'), generateToken('gateway'), chosen, encryptionKey];
    for (const key of own) {
      const act = { ...parts, config, changes: { ...parts.changes, ring } };
      const refused = { code: 'key_refused', status: 400 };
      const set = setKey(act, occasionOfTests, await row(), { key, skipTest: true });
      await expect(set).rejects.toMatchObject(refused);
      const tested = testCandidate(act, occasionOfTests, await row(), key);
      await expect(tested).rejects.toMatchObject(refused);
    }
    expect(provider.requests).toEqual([]);
    expect(await row()).toMatchObject({ encrypted_api_key: null });
  });

  it('under an encryption key that opens none of the other keys is refused, and nobody is asked', async () => {
    await storeKey(parts.changes, occasionOfTests, 'groq', {
      key: new Secret('another key'),
      source: 'database',
    });
    const foreign = { ...parts.changes, ring: KeyRing.parse(generateEncryptionKey()) };
    const refused = setKey({ ...parts, changes: foreign }, occasionOfTests, await row(), {
      key: new Secret(first),
    });
    await expect(refused).rejects.toMatchObject({ code: 'encryption_key_foreign', status: 409 });
    expect(provider.requests).toEqual([]);
    expect(await row()).toMatchObject({ encrypted_api_key: null });
  });

  it('under an encryption key that a running server lacks is refused, naming both, and nobody is asked', async () => {
    const { ring } = parts.changes;
    const other = KeyRing.parse(generateEncryptionKey());
    const client = await opened().connect();
    const has = async (...ids: string[]): Promise<unknown> =>
      client.query(
        `INSERT INTO keyward_instances (id, host, pid, version, revision, encryption_key_ids)
         VALUES (gen_random_uuid(), 'elsewhere', 7, '0', 1, $1)`,
        [JSON.stringify(ids)],
      );
    await has(other.activeKeyId, ring.activeKeyId);
    await has();
    await setKey(parts, occasionOfTests, await row(), { key: new Secret(first), skipTest: true });
    const before = await row();
    await has(other.activeKeyId);
    const refused = {
      code: 'encryption_key_foreign',
      message: expect.stringMatching(
        new RegExp(
          `key here \\(${ring.activeKeyId}.*elsewhere \\(process 7, which has ${other.activeKeyId}\\)`,
        ),
      ) as string,
    };
    const key = new Secret(second);
    await expect(setKey(parts, occasionOfTests, before, { key })).rejects.toMatchObject(refused);
    await expect(startRotation(parts, occasionOfTests, 'openrouter', { key })).rejects.toMatchObject(refused);
    await expect(
      setManagement(parts, occasionOfTests, 'openrouter', { credential: key }),
    ).rejects.toMatchObject(refused);
    expect([provider.requests, await row()]).toEqual([[], before]);
  });

  it('where the address cannot be asked stores the key untested and says so', async () => {
    const config = loadConfig({ OPENROUTER_BASE_URL: 'http://plain.example/v1' });
    const set = await setKey({ ...parts, config }, occasionOfTests, await row(), { key: new Secret(first) });
    expect(set).toMatchObject({
      test: null,
      warnings: [expect.stringMatching(/not tested: OPENROUTER_BASE_URL/)],
    });
    expect(await row()).toMatchObject({ api_key_test_status: 'untested' });
  });
});
