/** A key that no event accounts for is remarked on; one that an event accounts for never is. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { compareStoredKeys } from '../../src/audit/compare-stored-keys.ts';
import { absorbForeignChanges } from '../../src/audit/foreign-changes.ts';
import { retainEvents } from '../../src/audit/retain-events.ts';
import { showStoredKey } from '../../src/crypto/stored-key.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { recordTest, removeKey, storeKey, type ChangeParts } from '../../src/keys/change-provider.ts';
import { readProviders } from '../../src/keys/provider-store.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { resultOf } from '../support/key-test-result.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const keyOf = (name: string): Secret => new Secret(['planted', name, 'key', '41af'].join('-'));

describeOnUsualDatabases('the stored keys beside the trail', (opened) => {
  let client: pg.Client;
  let parts: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    parts = await changePartsOn(opened().database);
  });
  const store = async (slug: string, name: string) =>
    storeKey(parts, occasionOfTests, slug, { key: keyOf(name), source: 'database' });
  const storeBySql = async (slug: string, token: string | null): Promise<void> => {
    await client.query('UPDATE llm_providers SET encrypted_api_key = $2 WHERE provider_slug = $1', [
      slug,
      token,
    ]);
  };
  /** As somebody does who knows about the triggers and may switch them off. */
  const unseen = async (work: () => Promise<unknown>): Promise<void> => {
    await client.query('SET session_replication_role = replica');
    await work();
    await client.query('RESET session_replication_role');
  };
  const absorb = async () =>
    absorbForeignChanges({
      db: opened().database.kysely,
      audit: parts.audit,
      clock: systemClock,
      showKey: (token) => showStoredKey(token, parts.ring, parts.fingerprinter),
      occasion: occasionOfTests,
    });
  const remarks = async (ring = parts.ring): Promise<Record<string, string>> => {
    const { kysely } = opened().database;
    const rows = await readProviders(kysely);
    const stored = new Map(
      rows.map((row) => [row.provider_slug, showStoredKey(row.encrypted_api_key, ring, parts.fingerprinter)]),
    );
    const found = await compareStoredKeys(kysely, stored);
    return Object.fromEntries(found.map(({ provider, message }) => [provider, message]));
  };
  const fingerprint = (name: string): string => parts.fingerprinter.of(keyOf(name));

  it('are accounted for when Keyward set, replaced, removed and tested them', async () => {
    await store('groq', 'one');
    await store('groq', 'two');
    await store('xai', 'three');
    await removeKey(parts, occasionOfTests, 'xai');
    await recordTest(
      parts,
      occasionOfTests,
      'groq',
      { fingerprint: fingerprint('offered'), source: 'candidate' },
      resultOf('valid'),
    );
    expect(await remarks()).toEqual({});
  });

  it('are accounted for when another program set, renamed and deleted them, absorbed or still waiting', async () => {
    await store('groq', 'one');
    await store('xai', 'two');
    await storeBySql('groq', parts.ring.encrypt(keyOf('by sql')));
    await client.query(`UPDATE llm_providers SET provider_slug = 'grok' WHERE provider_slug = 'xai'`);
    await client.query(`DELETE FROM llm_providers WHERE provider_slug = 'cohere'`);
    expect(await remarks()).toEqual({});
    await absorb();
    expect(await remarks()).toEqual({});
    await client.query('TRUNCATE llm_providers CASCADE');
    await absorb();
    expect(await remarks()).toEqual({});
  });

  it('are remarked on when one was set, replaced or removed past the triggers', async () => {
    await store('groq', 'one');
    await store('xai', 'two');
    await unseen(async () => {
      await storeBySql('groq', parts.ring.encrypt(keyOf('swapped')));
      await storeBySql('xai', null);
      await storeBySql('mistral', parts.ring.encrypt(keyOf('planted')));
    });
    expect(await remarks()).toEqual({
      groq: `the stored key is ${fingerprint('swapped')}, and the last event that set it says ${fingerprint('one')}.`,
      xai: `the stored key is none, and the last event that set it says ${fingerprint('two')}.`,
      mistral: `a key is stored (${fingerprint('planted')}) that no event tells of.`,
    });
  });

  it('that cannot be read now, or could not when they were recorded, are said to be beyond comparison', async () => {
    const strange = KeyRing.parse(generateEncryptionKey());
    await storeBySql('groq', strange.encrypt(keyOf('strange')));
    await store('xai', 'one');
    await absorb();
    expect(await remarks()).toEqual({});
    expect(await remarks(strange)).toEqual({
      groq: 'its stored key cannot be compared: it did not decrypt when it was recorded.',
      xai: 'its stored key cannot be compared: it does not decrypt here.',
    });
  });

  it('stay accounted for after their events were removed by two retentions', async () => {
    const everything = new Date(Date.now() + 60_000);
    const retain = async () => retainEvents({ audit: parts.audit, occasion: occasionOfTests }, everything);
    await store('groq', 'one');
    await store('xai', 'two');
    await store('mistral', 'three');
    await retain();
    await store('xai', 'newer');
    await removeKey(parts, occasionOfTests, 'mistral');
    await retain();
    expect(await remarks()).toEqual({});
    await unseen(async () => storeBySql('groq', parts.ring.encrypt(keyOf('swapped'))));
    expect(Object.keys(await remarks())).toEqual(['groq']);
  });
});
