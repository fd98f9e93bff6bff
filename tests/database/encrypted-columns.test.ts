/** No column holds Fernet tokens without being registered: it would be lost with the old encryption key. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encryptedColumns } from '../../src/database/encrypted-columns.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { setManagement } from '../../src/keys/rotation/management-store.ts';
import { startRotation } from '../../src/keys/rotation/start-rotation.ts';
import { ask } from '../support/administrators.ts';
import { occasionOfTests } from '../support/audited.ts';
import { rotatingKey } from '../support/rotating.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

let keyward: RunningKeyward;
beforeAll(async () => {
  keyward = await startKeyward({ engine: 'postgres' });
  const { audit, keyRing, fingerprinter, config, bindings, database, clock } = keyward.server.installation;
  const changes = { audit, ring: keyRing.ring, fingerprinter, config, bindings };
  const acts = { changes, config, database, clock };
  await ask(keyward, 'POST /api/v1/admin/providers/openrouter/set-key', {
    token: adminToken,
    body: { api_key: rotatingKey(1), skip_test: true },
    headers: { 'idempotency-key': 'kept' },
  });
  // Before the next revision, after which its note is moved into the trail.
  await keyward.sql(
    `INSERT INTO keyward_alert_channels (name, kind, encrypted_settings, changed_by) VALUES ('chat', 'slack', $1, 'somebody')`,
    [keyRing.ring.encrypt(new Secret(JSON.stringify({ url: 'https://hooks.example/of-a-test' })))],
  );
  await startRotation(acts, occasionOfTests, 'openrouter', { key: new Secret(rotatingKey(2)) });
  await setManagement(acts, occasionOfTests, 'openrouter', { credential: new Secret(rotatingKey(3)) });
  await keyward.sql(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) VALUES ('somebody', 1, $1)`,
    [keyRing.ring.encrypt(new Secret(rotatingKey(4)))],
  );
});
afterAll(async () => keyward.stop());

/** Table and column of everything in which a token stands, but for the canaries, which go with their key. */
async function columnsWithTokens(): Promise<string[]> {
  const tables = await keyward.sql<{ relname: string }>(
    `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
  );
  const found: string[] = [];
  for (const { relname: table } of tables) {
    const columns = await keyward.sql<{ name: string }>(
      `SELECT DISTINCT field.key AS name FROM "${table}" AS row, jsonb_each_text(to_jsonb(row)) AS field
        WHERE field.value ~ 'gAAAAA[A-Za-z0-9_-]{90}'`,
    );
    found.push(...columns.map(({ name }) => `${table}.${name}`));
  }
  return found.filter((name) => name !== 'keyward_encryption_keys.canary').toSorted();
}

test('every column that holds tokens is in the registry, in a database that has been lived in', async () => {
  const registered = encryptedColumns.flatMap(({ table, column, isSaved }) =>
    isSaved ? [] : [`${table}.${column}`],
  );
  // Until then the note of a change past Keyward holds what was written.
  await expect.poll(async () => columnsWithTokens(), { timeout: 25_000 }).toEqual(registered.toSorted());
  await keyward.sql('CREATE TABLE forgotten AS SELECT encrypted_api_key AS secret FROM user_api_keys');
  expect(await columnsWithTokens()).toContain('forgotten.secret');
  await keyward.sql('DROP TABLE forgotten');
});
