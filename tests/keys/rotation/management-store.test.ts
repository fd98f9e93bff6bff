/** The management credential is proven as it is stored, and is not given up while what was made with it lives on; by force each key is named. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import type { KeyActParts } from '../../../src/keys/key-acts.ts';
import { findProvider, type ListedProvider } from '../../../src/keys/list-providers.ts';
import {
  readManagement,
  removeManagement,
  setManagement,
} from '../../../src/keys/rotation/management-store.ts';
import { enterManagement, type EnteredManagement } from '../../../src/keys/rotation/enter-management.ts';
import { mintRotation } from '../../../src/keys/rotation/mint-rotation.ts';
import { cancelRotation } from '../../../src/keys/rotation/rotation-acts.ts';
import { listKeyVersions } from '../../../src/keys/rotation/rotation-store.ts';
import { sweepProvider } from '../../../src/keys/rotation/sweep-keys.ts';
import { occasionOfTests } from '../../support/audited.ts';
import { openOn, type OpenedDatabase } from '../../support/keyward-database.ts';
import { keyActPartsOn } from '../../support/rotating.ts';
import { managementKey, StandInManagement } from '../../support/stand-in-management.ts';
import { startStandInProvider, type StandInProvider } from '../../support/stand-in-provider.ts';

const slug = 'openrouter';
let opened: OpenedDatabase;
let provider: StandInProvider;
let management: StandInManagement;
let parts: KeyActParts;
let row: ListedProvider;

beforeAll(async () => {
  opened = await openOn('postgres');
  await opened.empty();
  provider = await startStandInProvider({ keys: [] });
  management = new StandInManagement(provider);
  await management.listen();
  parts = await keyActPartsOn(opened, KeyRing.parse(generateEncryptionKey()), provider.baseUrl);
  const found = await findProvider(opened.database.kysely, slug);
  if (found === undefined) throw new Error('it is seeded');
  row = found;
});
afterAll(async () => {
  await opened.close();
  await management.close();
  await provider.close();
});

it('is stored when the provider takes it, not when it refuses it, and with a remark when it says nothing', async () => {
  const enter = async (more: Partial<EnteredManagement> = {}, occasion = occasionOfTests): Promise<string> =>
    enterManagement(parts, occasion, slug, {
      credential: new Secret(managementKey),
      baseUrl: management.baseUrl,
      ...more,
    });
  management.addForeign('by hand');
  expect(await enter()).toBe('The provider takes it: one key is listed there.');
  const other = new Secret(managementKey.replaceAll('abcd', 'beef'));
  const refusal = { code: 'key_unproven', message: expect.stringContaining('answered 401') as string };
  await expect(enter({ credential: other })).rejects.toMatchObject(refusal);
  const stored = async () => (await readManagement(opened.database.kysely, row.id))?.fingerprint;
  expect(await stored()).toBe(parts.changes.fingerprinter.of(new Secret(managementKey)));
  await expect(enter({ credential: other, force: true })).rejects.toMatchObject({ code: 'reason_required' });
  const because = { ...occasionOfTests, reason: 'it is to come alive' };
  expect(await enter({ credential: other, force: true }, because)).toContain('It is not proven.');
  expect(await stored()).toBe(parts.changes.fingerprinter.of(other));
  expect(await enter({ baseUrl: 'http://127.0.0.1:9' })).toContain('could not be asked');
  expect(await removeManagement(parts, occasionOfTests, slug)).toMatchObject({ removed: true });
});

const store = async (): Promise<void> =>
  setManagement(parts, occasionOfTests, slug, {
    credential: new Secret(managementKey),
    baseUrl: management.baseUrl,
  });

it('is removed once the provider has ended every key that was made, and before only by force, naming them', async () => {
  await store();
  const { rotation } = await mintRotation(parts, occasionOfTests, slug, {});
  const name = rotation.newKey.minted_name ?? '';
  const refusal = { code: 'management_in_use', message: expect.stringContaining(name) as string };
  await expect(removeManagement(parts, occasionOfTests, slug)).rejects.toMatchObject(refusal);
  await cancelRotation(parts, occasionOfTests, slug);
  // Given up, and still alive at the provider.
  await expect(removeManagement(parts, occasionOfTests, slug)).rejects.toMatchObject(refusal);
  const blanks = { ...occasionOfTests, reason: ' ' };
  await expect(removeManagement(parts, blanks, slug, { force: true })).rejects.toMatchObject({
    code: 'reason_required',
  });
  expect(await readManagement(opened.database.kysely, row.id)).toBeDefined();
  expect(management.live).toContain(name);

  const because = { ...occasionOfTests, reason: 'the account is closed' };
  expect(await removeManagement(parts, because, slug, { force: true })).toEqual({
    removed: true,
    left: [name],
  });
  const [version] = await listKeyVersions(opened.database.kysely, row.id);
  expect(version?.remark).toContain('revoke this key at the provider by hand');
  expect(await removeManagement(parts, because, slug)).toEqual({ removed: false, left: [] });

  await store();
  await sweepProvider(parts, occasionOfTests, row, { graceSeconds: 0 });
  expect(management.live).not.toContain(name);
  expect(await removeManagement(parts, occasionOfTests, slug)).toEqual({ removed: true, left: [] });
});
