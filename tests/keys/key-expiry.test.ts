/** The end of a key, as an administrator says it: with the key, or later of the one that is stored; never in the past. */
import { beforeEach, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { removeKey } from '../../src/keys/change-provider.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { setKeyExpiry } from '../../src/keys/key-expiry.ts';
import { findProvider } from '../../src/keys/list-providers.ts';
import { findActiveVersion } from '../../src/keys/rotation/rotation-store.ts';
import { startRotation } from '../../src/keys/rotation/start-rotation.ts';
import { setKey } from '../../src/keys/set-key.ts';
import { occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock } from '../support/manual-clock.ts';
import { keyActPartsOn, rotatingKey } from '../support/rotating.ts';

const slug = 'openrouter';

describeOnUsualDatabases('the end of a key', (opened) => {
  const clock = manualClock();
  const soon = new Date(clock.now().getTime() + 86_400_000);
  const later = new Date(clock.now().getTime() + 2 * 86_400_000);
  const past = new Date(clock.now().getTime() - 1);
  let parts: KeyActParts;
  let ring: KeyRing;

  beforeEach(async () => {
    ring = KeyRing.parse(generateEncryptionKey());
    parts = await keyActPartsOn(opened(), ring, 'https://openrouter.example/v1', { clock });
  });
  const row = async () => {
    const found = await findProvider(opened().database.kysely, slug);
    if (found === undefined) throw new Error('it is seeded');
    return found;
  };
  const ends = async (): Promise<Date | null | undefined> =>
    (await findActiveVersion(opened().database.kysely, (await row()).id))?.expires_at;

  it('is noted with the key, and changed of the one that serves, also where SQL stored it', async () => {
    const key = new Secret(rotatingKey(1));
    await setKey(parts, occasionOfTests, await row(), { key, skipTest: true, expiresAt: soon });
    expect(await ends()).toEqual(soon);
    expect(await setKeyExpiry(parts, occasionOfTests, slug, { expiresAt: later })).toMatchObject({
      fingerprint: parts.changes.fingerprinter.of(key),
    });
    expect(await ends()).toEqual(later);
    await setKeyExpiry(parts, occasionOfTests, slug, { expiresAt: null });
    expect(await ends()).toBeNull();
    const client = await opened().connect();
    await client.query('UPDATE llm_providers SET encrypted_api_key = $1 WHERE provider_slug = $2', [
      ring.encrypt(new Secret(rotatingKey(2))),
      slug,
    ]);
    await setKeyExpiry(parts, occasionOfTests, slug, { expiresAt: soon });
    expect(await ends()).toEqual(soon);
    const { rows } = await client.query<{ event: string }>(
      'SELECT event FROM keyward_audit_events ORDER BY sequence DESC LIMIT 1',
    );
    expect(JSON.parse(rows[0]?.event ?? '')).toMatchObject({
      action: 'provider.changed',
      before: { key_expires_at: null },
      after: { key_expires_at: soon.toISOString() },
    });
  });

  it('in the past is refused wherever it is said, and of no key', async () => {
    const refused = { code: 'field_invalid', param: 'expires_at' };
    const key = new Secret(rotatingKey(1));
    await expect(
      setKey(parts, occasionOfTests, await row(), { key, skipTest: true, expiresAt: past }),
    ).rejects.toMatchObject(refused);
    await expect(startRotation(parts, occasionOfTests, slug, { key, expiresAt: past })).rejects.toMatchObject(
      refused,
    );
    await expect(setKeyExpiry(parts, occasionOfTests, slug, { expiresAt: past })).rejects.toMatchObject(
      refused,
    );
    await removeKey(parts.changes, occasionOfTests, slug);
    await expect(setKeyExpiry(parts, occasionOfTests, slug, { expiresAt: soon })).rejects.toMatchObject({
      code: 'key_not_found',
    });
  });
});
