/** Migration 005 and its rollback: the four values of api_key_test_status, for what is written from now on. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { applyUpTo, migration, readCatalogue } from './catalogue.ts';

const apply = migration('005_add_key_checks');
const rollback = migration('005_add_key_checks_rollback');
const check = 'llm_providers_api_key_test_status_check';
const four = ['valid', 'invalid', 'untested', 'error'];

const setGroq = (assignments: string): string =>
  `UPDATE llm_providers SET ${assignments} WHERE provider_slug = 'groq'`;

async function groq(client: RawClient, columns = 'api_key_test_status'): Promise<unknown> {
  const [row] = await client.query(`SELECT ${columns} FROM llm_providers WHERE provider_slug = 'groq'`);
  return row;
}

async function isValidated(client: RawClient): Promise<unknown> {
  const [row] = await client.query(`SELECT convalidated FROM pg_constraint WHERE conname = '${check}'`);
  return row?.['convalidated'];
}

describeOnUsualEngines('migration 005', (client) => {
  beforeEach(async () => {
    await applyUpTo(client(), '004');
    client().takeNotices();
  });

  test('lets the four values and NULL be written, and no other', async () => {
    await client().exec(apply);
    const insert = (value: string): string =>
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name, api_key_test_status) VALUES ('n', 'n', 'N', ${value})`;
    for (const value of [...four.map((one) => `'${one}'`), 'NULL']) {
      await client().exec(setGroq(`api_key_test_status = ${value}`));
      await client().exec(`${insert(value)}; DELETE FROM llm_providers WHERE provider_slug = 'n'`);
    }
    for (const value of [`'ok'`, `''`, `'VALID'`, `'valid '`]) {
      await expect(client().exec(setGroq(`api_key_test_status = ${value}`))).rejects.toThrow(check);
      await expect(client().exec(insert(value))).rejects.toThrow(check);
    }
    expect(await isValidated(client())).toBe(true);
    expect(
      client()
        .takeNotices()
        .filter(({ message }) => message?.includes('some rows')),
    ).toEqual([]);
  });

  test('leaves api_key_source free: any other value there means environment', async () => {
    await client().exec(apply);
    for (const source of ['environment', 'database', 'hybrid', 'vault', '']) {
      await client().exec(setGroq(`api_key_source = '${source}'`));
      expect(await groq(client(), 'api_key_source')).toEqual({ api_key_source: source });
    }
  });

  test('leaves rows with another value as they are, warns of them, and is in place all the same', async () => {
    await client().exec(setGroq(`api_key_test_status = 'ok', encrypted_api_key = 'token'`));
    const read = 'SELECT to_jsonb(llm_providers) AS row FROM llm_providers ORDER BY id';
    const before = await client().query(read);
    client().takeNotices();
    await client().exec(apply);
    expect(client().takeNotices()).toContainEqual({
      message: expect.stringContaining('some rows of llm_providers hold an api_key_test_status other than'),
      hint: expect.stringContaining(`VALIDATE CONSTRAINT ${check}`),
    });
    expect(await client().query(read)).toEqual(before);
    expect(await isValidated(client())).toBe(false);
    await expect(client().exec(setGroq(`api_key_test_status = 'good'`))).rejects.toThrow(check);
  });

  test('holds for all rows once they are corrected and it is applied again', async () => {
    await client().exec(setGroq(`api_key_test_status = 'ok'`));
    await client().exec(apply);
    await client().exec(apply);
    expect(await isValidated(client())).toBe(false);
    await client().exec(setGroq(`api_key_test_status = 'valid'`));
    await client().exec(apply);
    expect(await isValidated(client())).toBe(true);
  });

  test('breaks no program that says nothing of the status, also on a row with another value', async () => {
    await client().exec(
      `UPDATE llm_providers SET api_key_test_status = 'ok' WHERE provider_slug IN ('groq', 'openai', 'xai');
       UPDATE llm_providers SET encrypted_api_key = 'token', api_key_test_status = 'ok' WHERE provider_slug IN ('groq', 'xai')`,
    );
    await client().exec(apply);
    await client().exec(setGroq(`health_status = 'healthy', health_last_checked = now()`));
    expect(await groq(client(), 'health_status, api_key_test_status')).toEqual({
      health_status: 'healthy',
      api_key_test_status: 'untested',
    });
    await client().exec(`UPDATE llm_providers SET is_active = FALSE`);
    expect(
      await client().query(`SELECT provider_slug, api_key_test_status FROM llm_providers
        WHERE NOT is_active AND provider_slug IN ('openai', 'xai') ORDER BY 1`),
    ).toEqual([
      { provider_slug: 'openai', api_key_test_status: null },
      { provider_slug: 'xai', api_key_test_status: 'untested' },
    ]);
  });

  test.each([
    [
      'sets a key',
      `encrypted_api_key = 'new', api_key_source = 'database', api_key_updated_at = now()`,
      'untested',
    ],
    ['removes the key', `encrypted_api_key = NULL, api_key_source = 'environment'`, null],
    ['records a test', `api_key_last_tested = now(), api_key_test_status = 'invalid'`, 'invalid'],
    ['sets a key and its status', `encrypted_api_key = 'new', api_key_test_status = 'untested'`, 'untested'],
    ['switches it off', 'is_active = FALSE', 'untested'],
  ])("breaks no program that %s as the seed's checklist does, on any row", async (_, assignments, status) => {
    await client().exec(setGroq(`encrypted_api_key = 'old', api_key_test_status = 'valid'`));
    await client().exec(setGroq(`api_key_test_status = 'ok'`));
    await client().exec(apply);
    await client().exec(setGroq(assignments));
    expect(await groq(client())).toEqual({ api_key_test_status: status });
  });
});

describeOnUsualEngines('the rollback of migration 005', (client) => {
  test('restores the catalogue, and any value may be written again, twice in a row', async () => {
    await applyUpTo(client(), '004');
    const before = await readCatalogue(client());
    await client().exec(apply);
    expect(await readCatalogue(client())).not.toEqual(before);
    for (let times = 0; times < 2; times += 1) {
      await client().exec(rollback);
      expect(await readCatalogue(client())).toEqual(before);
    }
    await client().exec(setGroq(`api_key_test_status = 'ok'`));
    await client().exec(setGroq(`is_active = FALSE`));
    expect(await groq(client())).toEqual({ api_key_test_status: 'ok' });
  });

  test('goes by itself where the column has gone with the rollback of 002', async () => {
    await applyUpTo(client(), '003');
    await client().exec(apply);
    await expect(client().exec(migration('002_add_system_api_keys_rollback'))).rejects.toThrow('later ones');
    await client().exec(rollback);
    await client().exec(migration('002_add_system_api_keys_rollback'));
    await client().exec(rollback);
  });

  test('does nothing where there is no llm_providers', async () => {
    await expect(client().exec(rollback)).resolves.toBeUndefined();
  });
});
