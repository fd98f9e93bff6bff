/** The encryption key ring over HTTP: what it has, what stands under each key, and the re-encryption. */
import { afterEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import { callAdmin, firstKey } from '../../support/administered-keyward.ts';
import { usualEngines } from '../../support/depth.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../../support/running-keyward.ts';

const path = '/api/v1/admin/encryption-keys';

describe.each(usualEngines)('the encryption keys (%s)', (engine) => {
  let place: Place;
  let keyward: RunningKeyward;
  afterEach(async () => {
    await keyward.stop();
    await place.remove();
  });

  it('are named with their rows; a re-encryption moves all of them under the active one', async () => {
    place = await newPlace(engine);
    keyward = await startKeyward({ place });
    const oldKey = place.environment['BYOK_ENCRYPTION_KEY'] ?? '';
    const [oldId = ''] = KeyRing.parse(new Secret(oldKey)).keyIds;
    await callAdmin(keyward.server.url, 'POST /api/v1/admin/providers/openrouter/set-key', {
      body: { api_key: firstKey, skip_test: true },
    });
    const nothing = await callAdmin(keyward.server.url, `GET ${path}/reencryption`);
    expect([nothing.status, nothing.code]).toEqual([404, 'reencryption_not_found']);
    await keyward.stop();

    const newKey = generateEncryptionKey().reveal();
    const [newId = ''] = KeyRing.parse(new Secret(newKey)).keyIds;
    keyward = await startKeyward({ place, env: { BYOK_ENCRYPTION_KEY: `${newKey},${oldKey}` } });
    const { url } = keyward.server;
    const { status, body, text } = await callAdmin(url, `GET ${path}`);
    expect(status).toBe(200);
    expect(text).not.toContain(oldKey);
    const keys = body['keys'] as { id: string; role: string; rows: number }[];
    expect(keys).toEqual([
      expect.objectContaining({ id: newId, role: 'encrypts' }),
      expect.objectContaining({ id: oldId, role: 'decrypts', age_days: 0 }),
    ]);
    expect(keys[1]?.rows).toBeGreaterThan(1);
    expect(body).toMatchObject({ unreadable: { rows: 0, first: [] }, reencryption: null });
    expect(body['instances']).toEqual([expect.objectContaining({ key_ids: [newId, oldId] })]);

    const begun = await callAdmin(url, `POST ${path}/reencrypt`, { body: { reason: 'the key is old' } });
    expect(begun.status).toBe(202);
    await expect
      .poll(async () => (await callAdmin(url, `GET ${path}/reencryption`)).body['ended_at'])
      .toEqual(expect.any(String));
    const after = await callAdmin(url, `GET ${path}`);
    expect(after.body['keys']).toEqual([
      expect.objectContaining({ id: newId, role: 'encrypts' }),
      expect.objectContaining({ id: oldId, role: 'decrypts', rows: 0 }),
    ]);
    expect(after.body['reencryption']).toMatchObject({ set_aside: 0, problem: null });
  });

  it('a re-encryption that goes on ends with its server, with no error, and the next one goes on', async () => {
    place = await newPlace(engine);
    const oldKey = place.environment['BYOK_ENCRYPTION_KEY'] ?? '';
    const newKey = generateEncryptionKey().reveal();
    const env = { BYOK_ENCRYPTION_KEY: `${newKey},${oldKey}` };
    keyward = await startKeyward({ place, env });
    const token = KeyRing.parse(new Secret(oldKey)).encrypt(new Secret(firstKey));
    // More than a batch: at its pace the run rests between two of them for a second.
    await keyward.sql(
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
         SELECT 'user ' || n, (SELECT min(id) FROM llm_providers), $1 FROM generate_series(1, 6000) AS n`,
      [token],
    );
    const begun = await callAdmin(keyward.server.url, `POST ${path}/reencrypt`, { body: {} });
    expect(begun.status).toBe(202);
    await keyward.stop();
    expect(keyward.logLines.filter((line) => line.includes('the re-encryption broke off'))).toEqual([]);
    expect(keyward.logLines.filter((line) => line.includes('the re-encryption was stopped'))).toHaveLength(1);

    keyward = await startKeyward({ place, env });
    const { url } = keyward.server;
    await callAdmin(url, `POST ${path}/reencrypt`, { body: {} });
    await expect
      .poll(async () => (await callAdmin(url, `GET ${path}/reencryption`)).body['ended_at'], {
        timeout: 20_000,
      })
      .toEqual(expect.any(String));
    const { body } = await callAdmin(url, `GET ${path}/reencryption`);
    expect(body).toMatchObject({ set_aside: 0, problem: null });
  }, 60_000);
});
