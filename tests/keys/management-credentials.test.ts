/**
 * A management credential is never sent with a call of a caller: not when SQL copies it into the place of a key,
 * and not when somebody enters it as one; nor does a key that serves become a credential. On both engines.
 */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { readRevision } from '../../src/database/revision.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { KnownBindings } from '../../src/keys/known-bindings.ts';
import { findProvider } from '../../src/keys/list-providers.ts';
import { loadSnapshot } from '../../src/keys/load-snapshot.ts';
import { removeManagement, setManagement } from '../../src/keys/rotation/management-store.ts';
import { promoteKey } from '../../src/keys/rotation/rotation-acts.ts';
import { startRotation } from '../../src/keys/rotation/start-rotation.ts';
import { setKey } from '../../src/keys/set-key.ts';
import { managementPlace } from '../../src/keys/stored-key-place.ts';
import { testCandidate } from '../../src/keys/test-provider-key.ts';
import { occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { keyActPartsOn, rotatingKey } from '../support/rotating.ts';
import { managementKey } from '../support/stand-in-management.ts';

const slug = 'openrouter';
const nowhere = 'https://openrouter.example/v1';

describeOnUsualDatabases('a management credential', (opened) => {
  const credential = new Secret(managementKey);
  let ring: KeyRing;
  let parts: KeyActParts;
  let client: pg.Client;

  beforeEach(async () => {
    ring = KeyRing.parse(generateEncryptionKey());
    client = await opened().connect();
    parts = await keyActPartsOn(opened(), ring, nowhere);
  });
  const store = async (): Promise<void> => setManagement(parts, occasionOfTests, slug, { credential });

  /** As a server serves groq that has just started. */
  const served = async (mode: string, environment: Record<string, string> = {}) => {
    const { fingerprinter } = parts.changes;
    const snapshot = await loadSnapshot({
      database: opened().database,
      config: loadConfig({ KEY_BINDING: mode, ...environment }),
      keyRing: ring,
      fingerprinter,
      bindings: new KnownBindings(),
      clock: systemClock,
    });
    return snapshot.providers.get('groq')?.resolution;
  };

  it.each([
    ['copied', ''],
    ['copied with its proof', ', api_key_binding = credential_binding'],
  ])('%s by SQL serves no provider, and the reason says what it is', async (_how, andMore) => {
    await store();
    await client.query(`
      UPDATE llm_providers SET api_key_source = 'database', encrypted_api_key = encrypted_credential${andMore}
        FROM keyward_management_keys WHERE provider_slug = 'groq'`);
    for (const mode of ['warn', 'require']) {
      const resolution = await served(mode);
      expect([mode, resolution?.key, resolution?.reason]).toEqual([
        mode,
        null,
        expect.stringContaining('openrouter management at openrouter.ai:443'),
      ]);
    }
    await client.query('DELETE FROM keyward_management_keys');
    expect(await served('warn')).toMatchObject({ key: null });
  });

  it('serves no provider although it is bound to it as a key', async () => {
    const binding = ring.bind(credential, { slug: 'groq', host: 'api.groq.com:443' });
    await client.query(
      `UPDATE llm_providers SET api_key_source = 'database', encrypted_api_key = $1, api_key_binding = $2
        WHERE provider_slug = 'groq'`,
      [ring.encrypt(credential), binding],
    );
    expect((await served('require'))?.key?.fingerprint).toBe(parts.changes.fingerprinter.of(credential));
    await client.query(
      `INSERT INTO keyward_management_keys (provider_id, encrypted_credential, credential_binding, fingerprint, mask, created_by)
       SELECT id, $1, $2, $3, 'sk', 'SQL' FROM llm_providers WHERE provider_slug = $4`,
      [
        ring.encrypt(credential),
        ring.bind(credential, managementPlace(slug, null)),
        parts.changes.fingerprinter.of(credential),
        slug,
      ],
    );
    expect(await served('require')).toMatchObject({
      key: null,
      reason: expect.stringContaining('is the credential of openrouter management at') as string,
    });
  });

  it('in the environment of a server serves no provider there, and the reason says what it is', async () => {
    await store();
    for (const source of ['environment', 'hybrid']) {
      await client.query(`UPDATE llm_providers SET api_key_source = $1 WHERE provider_slug = 'groq'`, [
        source,
      ]);
      const resolution = await served('warn', { GROQ_API_KEY: managementKey });
      expect([source, resolution?.key, resolution?.problem]).toEqual([
        source,
        null,
        expect.stringContaining('it is the credential of openrouter management at openrouter.ai:443'),
      ]);
      expect(resolution?.reason).toContain('GROQ_API_KEY cannot be used');
    }
  });

  it('moves the revision, so that every server holds its keys against it', async () => {
    const revision = async (): Promise<number> => readRevision(opened().database.kysely);
    const before = await revision();
    await store();
    expect(await revision()).toBe(before + 1);
    await removeManagement(parts, occasionOfTests, slug);
    expect(await revision()).toBe(before + 2);
  });

  it('is refused where a key is entered, staged or tested, whichever provider it is offered for', async () => {
    await store();
    const refused = {
      code: 'key_refused',
      message: expect.stringContaining('This is the management credential of openrouter') as string,
    };
    for (const other of [slug, 'groq']) {
      const row = await findProvider(opened().database.kysely, other);
      if (row === undefined) throw new Error('it is seeded');
      const key = credential;
      const acts = [
        async () => storeKey(parts.changes, occasionOfTests, other, { key, source: 'database' }),
        async () => setKey(parts, occasionOfTests, row, { key, skipTest: true }),
        async () => startRotation(parts, occasionOfTests, other, { key }),
        async () => testCandidate(parts, occasionOfTests, row, key),
      ];
      for (const act of acts) await expect(act()).rejects.toMatchObject(refused);
    }
    const { rows } = await client.query('SELECT FROM keyward_key_versions');
    expect(rows).toEqual([]);
  });

  it('is not promoted by force, where it became one after it was staged', async () => {
    const key = new Secret(rotatingKey(7));
    await store();
    await startRotation(parts, occasionOfTests, slug, { key });
    await client.query('UPDATE keyward_management_keys SET fingerprint = $1', [
      parts.changes.fingerprinter.of(key),
    ]);
    const because = { ...occasionOfTests, reason: 'the test says so' };
    await expect(promoteKey(parts, because, slug, { force: true })).rejects.toMatchObject({
      code: 'key_refused',
    });
  });

  it('is no key that serves, is staged, or stands in the environment', async () => {
    const refused = { code: 'field_invalid', message: expect.stringContaining('callers of groq') as string };
    await storeKey(parts.changes, occasionOfTests, 'groq', { key: credential, source: 'database' });
    await expect(store()).rejects.toMatchObject(refused);
    await client.query("UPDATE llm_providers SET encrypted_api_key = NULL WHERE provider_slug = 'groq'");
    await startRotation(parts, occasionOfTests, 'groq', { key: credential });
    await expect(store()).rejects.toMatchObject(refused);
    const withKey = { ...parts, config: loadConfig({ XAI_API_KEY: managementKey }) };
    await expect(setManagement(withKey, occasionOfTests, slug, { credential })).rejects.toMatchObject({
      message: expect.stringContaining('callers of') as string,
    });
  });

  it('is a key like any other once it was removed', async () => {
    await store();
    await removeManagement(parts, occasionOfTests, slug);
    await storeKey(parts.changes, occasionOfTests, 'groq', { key: credential, source: 'database' });
    expect((await served('require'))?.key?.fingerprint).toBe(parts.changes.fingerprinter.of(credential));
  });
});
