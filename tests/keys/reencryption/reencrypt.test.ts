/** Everything stored is encrypted anew under the active key, and nothing else about it changes. */
import type pg from 'pg';
import { beforeEach, expect, it, vi } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import { markedKeyId } from '../../../src/crypto/encryption-mark.ts';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import { storeKey, type ChangeParts } from '../../../src/keys/change-provider.ts';
import { countEncrypted } from '../../../src/keys/reencryption/count-encrypted.ts';
import { reencryptAll, type Reencrypted } from '../../../src/keys/reencryption/reencrypt.ts';
import { setManagement } from '../../../src/keys/rotation/management-store.ts';
import { startRotation } from '../../../src/keys/rotation/start-rotation.ts';
import { readProviders } from '../../../src/keys/provider-store.ts';
import { judgeStoredKey } from '../../../src/keys/stored-key.ts';
import { changePartsOn, occasionOfTests } from '../../support/audited.ts';
import { describeOnUsualDatabases } from '../../support/keyward-database.ts';
import { keyActPartsOn, rotatingKey } from '../../support/rotating.ts';

const [oldKey, newKey] = [generateEncryptionKey(), generateEncryptionKey()];
const oldRing = KeyRing.parse(oldKey);
const newRing = KeyRing.parse(newKey);
const bothRing = KeyRing.parse(new Secret(`${newKey.reveal()},${oldKey.reveal()}`));
const longAgo = new Date('2024-02-29T12:00:00Z');
const brought = new Secret(['planted', 'brought', 'key', '7d7d'].join('-'));

describeOnUsualDatabases('to encrypt anew', (opened) => {
  let client: pg.Client;
  let before: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    before = await changePartsOn(opened().database, oldRing);
  });

  const run = async (): Promise<Reencrypted> => {
    const { audit, ring, fingerprinter } = await changePartsOn(opened().database, bothRing);
    const parts = { db: opened().database.kysely, audit, ring, fingerprinter, occasion: occasionOfTests };
    return reencryptAll(parts, { onProgress: () => undefined });
  };
  const bring = async (
    count: number,
    token = () => oldRing.encrypt(brought, { now: longAgo }),
  ): Promise<void> => {
    await client.query(
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
       SELECT 'user ' || n, (SELECT id FROM llm_providers WHERE provider_slug = 'groq'), token
         FROM unnest($1::text[]) WITH ORDINALITY AS t (token, n)`,
      [Array.from({ length: count }, token)],
    );
  };
  const storedRow = async (slug: string) =>
    (
      await client.query<Record<string, unknown>>('SELECT * FROM llm_providers WHERE provider_slug = $1', [
        slug,
      ])
    ).rows[0];
  const underWhich = async (): Promise<Record<string, Record<string, number>>> =>
    Object.fromEntries(
      (await countEncrypted(opened().database.kysely, bothRing)).map(({ table, byKey }) => [
        table,
        Object.fromEntries(byKey),
      ]),
    );

  it('takes every registered column, and the new key alone opens all of it afterwards', async () => {
    const acts = await keyActPartsOn(opened(), oldRing, 'https://openrouter.ai/api/v1');
    await storeKey(before, occasionOfTests, 'openrouter', {
      key: new Secret(rotatingKey(1)),
      source: 'database',
    });
    await startRotation(acts, occasionOfTests, 'openrouter', { key: new Secret(rotatingKey(2)) });
    await setManagement(acts, occasionOfTests, 'openrouter', { credential: new Secret(rotatingKey(3)) });
    await client.query(
      `INSERT INTO keyward_idempotency_keys (actor, key, request_hash, status, answer) VALUES ('a', 'k', $1, 200, $2)`,
      ['0'.repeat(64), oldRing.encrypt(new Secret('{}'))],
    );
    await client.query(
      `INSERT INTO keyward_alert_channels (name, kind, encrypted_settings, changed_by) VALUES ('chat', 'slack', $1, 'somebody'), ('log', 'log', NULL, 'somebody')`,
      [oldRing.encrypt(new Secret('{}'))],
    );
    await bring(1_500);
    expect(await underWhich()).toEqual({
      user_api_keys: { [oldRing.activeKeyId]: 1_500 },
      keyward_key_versions: { [oldRing.activeKeyId]: 2 },
      keyward_management_keys: { [oldRing.activeKeyId]: 1 },
      keyward_idempotency_keys: { [oldRing.activeKeyId]: 1 },
      keyward_alert_channels: { [oldRing.activeKeyId]: 1 },
      keyward_audit_chain: { [oldRing.activeKeyId]: 1 },
      llm_providers: { [oldRing.activeKeyId]: 1 },
    });
    expect(await run()).toEqual({ reencrypted: 1_507, setAside: [] });
    for (const { byKey, unreadable } of await countEncrypted(opened().database.kysely, newRing)) {
      expect(unreadable).toEqual([]);
      expect([...byKey.keys()]).toEqual([newRing.activeKeyId]);
    }
    expect(await run()).toEqual({ reencrypted: 0, setAside: [] });
  });

  it('leaves the date in each token, and says beside it which key made it', async () => {
    await bring(2);
    await run();
    const { rows } = await client.query<{ encrypted_api_key: string; encrypted_under: string }>(
      'SELECT encrypted_api_key, encrypted_under FROM user_api_keys',
    );
    for (const { encrypted_api_key: token, encrypted_under: mark } of rows) {
      const { secret, createdAt } = newRing.decrypt(token);
      expect([secret.reveal(), createdAt]).toEqual([brought.reveal(), longAgo]);
      expect(markedKeyId(mark, token)).toBe(newRing.activeKeyId);
    }
  });

  it('keeps what is known of a stored key: its tests, its date, its version, its rotation and its binding', async () => {
    const acts = await keyActPartsOn(opened(), oldRing, 'https://openrouter.ai/api/v1');
    await storeKey(before, occasionOfTests, 'openrouter', {
      key: new Secret(rotatingKey(1)),
      source: 'hybrid',
    });
    await startRotation(acts, occasionOfTests, 'openrouter', { key: new Secret(rotatingKey(2)) });
    await client.query(
      `UPDATE llm_providers SET api_key_test_status = 'valid', api_key_last_tested = '2026-01-02 03:04:05.678901',
              api_key_updated_at = '2026-01-01 00:00:00.123456' WHERE provider_slug = 'openrouter'`,
    );
    const known = async () => {
      const {
        encrypted_api_key: token,
        encrypted_under: _,
        api_key_binding: __,
        updated_at: ___,
        ...rest
      } = (await storedRow('openrouter')) ?? {};
      const versions = await client.query(
        'SELECT id, state, fingerprint, mask, origin FROM keyward_key_versions ORDER BY id',
      );
      const rotations = await client.query('SELECT id, step, ended_at FROM keyward_rotations');
      const times = await client.query(
        `SELECT api_key_last_tested::text, api_key_updated_at::text FROM llm_providers WHERE provider_slug = 'openrouter'`,
      );
      return {
        token,
        rest: [rest, versions.rows, rotations.rows, times.rows],
      };
    };
    const was = await known();
    await run();
    const is = await known();
    expect(is.token).not.toBe(was.token);
    expect(is.rest).toEqual(was.rest);
    const active = await client.query(
      `SELECT encrypted_api_key FROM keyward_key_versions WHERE state = 'active'`,
    );
    expect(active.rows).toEqual([{ encrypted_api_key: is.token }]);
    const row = (await readProviders(opened().database.kysely)).find(
      (one) => one.provider_slug === 'openrouter',
    );
    const after = await changePartsOn(opened().database, newRing);
    expect(row && judgeStoredKey(row, { ...after, keyRing: newRing })).toMatchObject({ binding: 'bound' });
  });

  it('sets aside what does not decrypt, names it, and goes on', async () => {
    await bring(3);
    const stranger = KeyRing.parse(generateEncryptionKey());
    await client.query(`UPDATE user_api_keys SET encrypted_api_key = $1 WHERE user_id = 'user 2'`, [
      stranger.encrypt(brought),
    ]);
    await client.query(
      `UPDATE llm_providers SET encrypted_api_key = 'scratched' WHERE provider_slug = 'xai'`,
    );
    const { reencrypted, setAside } = await run();
    expect(reencrypted).toBe(2);
    expect(setAside.map(({ row }) => row.replace(/ \d+$/, ' N')).toSorted()).toEqual([
      'llm_providers xai',
      'user_api_keys N',
    ]);
    expect((await storedRow('xai'))?.['encrypted_api_key']).toBe('scratched');
  });

  it('loses nothing that somebody stores meanwhile', async () => {
    await bring(1);
    const other = new Secret(['planted', 'newer', 'key', '7d7d'].join('-'));
    const { audit, ring, fingerprinter } = await changePartsOn(opened().database, bothRing);
    // Between the reading and the writing of the first batch.
    const { change } = audit;
    vi.spyOn(audit, 'change').mockImplementationOnce(async (...args) => {
      await client.query('UPDATE user_api_keys SET encrypted_api_key = $1', [oldRing.encrypt(other)]);
      return change.apply(audit, args);
    });
    const parts = { db: opened().database.kysely, audit, ring, fingerprinter, occasion: occasionOfTests };
    expect(await reencryptAll(parts, { onProgress: () => undefined })).toMatchObject({ reencrypted: 1 });
    const { rows } = await client.query<{ encrypted_api_key: string }>(
      'SELECT encrypted_api_key FROM user_api_keys',
    );
    expect(newRing.decrypt(rows[0]?.encrypted_api_key ?? '').secret.reveal()).toBe(other.reveal());
  });

  it('is recorded with how many rows of which table, and is no change of another program', async () => {
    await storeKey(before, occasionOfTests, 'groq', { key: brought, source: 'database' });
    await bring(2);
    await run();
    const { rows } = await client.query<{ event: string }>(
      `SELECT event FROM keyward_audit_events WHERE action LIKE '%reencrypted' ORDER BY sequence`,
    );
    const events = rows.map(
      ({ event }) => JSON.parse(event) as { action: string; after: Record<string, unknown> },
    );
    expect(events.map(({ action, after }) => [action, after['table'], after['rows']])).toEqual([
      ['encryption_ring.reencrypted', 'user_api_keys', 2],
      ['encryption_ring.reencrypted', 'keyward_audit_chain', 1],
      ['provider.key_reencrypted', undefined, undefined],
    ]);
    expect((await client.query('SELECT * FROM keyward_foreign_changes')).rows).toEqual([]);
  });
});
