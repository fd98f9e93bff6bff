/**
 * Migration 007 and its rollback: when a provider changed last, what a key is bound to, what a use of a token
 * is not; and what comes back after the migration was gone.
 */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { applyUpTo, migration, readCatalogue } from './catalogue.ts';

const apply = migration('007_add_administration');
const rollback = migration('007_add_administration_rollback');
const backup = 'llm_providers_settings_backup_007';

const update = (slug: string, assignments: string): string =>
  `UPDATE llm_providers SET ${assignments} WHERE provider_slug = '${slug}'`;
const insertProvider = (slug: string): string =>
  `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('${slug}', '${slug}', 'N')`;
const insertToken = (name: string, rest = 'NULL, NULL'): string =>
  `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix, role, expires_at)
     VALUES ('admin', '${name}', encode(sha256('${name}'), 'hex'), 'kwa_', ${rest})`;

async function revisionOf(client: RawClient): Promise<number> {
  const [row] = await client.query('SELECT revision::int FROM keyward_revision');
  return row?.['revision'] as number;
}

/** By slug; of a provider that is gone, by its number. */
async function providerRevisions(client: RawClient): Promise<Readonly<Record<string, number>>> {
  const rows = (await client.query(`
    SELECT coalesce(provider_slug, provider_id::text) AS name, revision::int
      FROM keyward_provider_revisions LEFT JOIN llm_providers ON id = provider_id ORDER BY provider_id`)) as {
    name: string;
    revision: number;
  }[];
  return Object.fromEntries(rows.map(({ name, revision }) => [name, revision]));
}

async function columnsOf(client: RawClient, slug: string, columns: string): Promise<unknown> {
  const [row] = await client.query(`SELECT ${columns} FROM llm_providers WHERE provider_slug = $1`, [slug]);
  return row;
}

async function isThere(client: RawClient, table: string): Promise<boolean> {
  return (await client.query(`SELECT FROM pg_class WHERE oid = to_regclass('${table}')`)).length > 0;
}

async function goodTokens(client: RawClient): Promise<unknown[]> {
  return (await client.query('SELECT name FROM keyward_tokens WHERE revoked_at IS NULL ORDER BY id')).map(
    ({ name }) => name,
  );
}

describeOnUsualEngines('the revision of a provider, by migration 007,', (client) => {
  beforeEach(async () => applyUpTo(client(), '007'));

  test('is that of its last change, whatever it was, and other providers keep theirs', async () => {
    expect(await providerRevisions(client())).toEqual({});
    await client().exec(insertProvider('new'));
    const made = await revisionOf(client());
    expect(await providerRevisions(client())).toEqual({ new: made });
    for (const change of [
      `base_url = 'https://other.example'`,
      `encrypted_api_key = 'token', api_key_source = 'hybrid'`,
      `api_key_test_status = 'valid'`,
      'is_active = FALSE',
      `api_key_binding = 'binding'`,
      'allow_private_network = TRUE',
      `request_headers = '{"x-team": "a"}'`,
    ]) {
      await client().exec(update('groq', change));
      const now = await revisionOf(client());
      expect([change, await providerRevisions(client())]).toEqual([change, { groq: now, new: made }]);
    }
    expect(await revisionOf(client())).toBe(made + 7);
  });

  test('is one and the same for all that one transaction changed, in any order', async () => {
    await client().exec(`BEGIN; ${update('openai', 'is_active = FALSE')}; ${insertProvider('new')};
      ${update('groq', 'is_active = FALSE')}; ${update('openai', `api_key_source = 'hybrid'`)}; COMMIT`);
    const first = await revisionOf(client());
    expect(await providerRevisions(client())).toEqual({ openai: first, groq: first, new: first });
    await client().exec(`UPDATE llm_providers SET is_active = TRUE WHERE provider_slug IN ('groq', 'new')`);
    expect(await revisionOf(client())).toBe(first + 1);
    expect(await providerRevisions(client())).toEqual({ openai: first, groq: first + 1, new: first });
  });

  test('stays when nothing that serves was changed, and when the transaction was rolled back', async () => {
    await client().exec(update('groq', 'is_active = FALSE'));
    const before = await providerRevisions(client());
    await client().exec(update('groq', `health_status = 'healthy', description = 'x'`));
    await client().exec(
      `BEGIN; ${update('groq', 'is_active = TRUE')}; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK`,
    );
    expect(await providerRevisions(client())).toEqual(before);
  });

  test('goes with the provider: one deleted, or all at once', async () => {
    await client().exec(
      `UPDATE llm_providers SET is_active = FALSE WHERE provider_slug IN ('groq', 'openai')`,
    );
    await client().exec(`DELETE FROM llm_providers WHERE provider_slug = 'groq'`);
    expect(Object.keys(await providerRevisions(client()))).toEqual(['openai']);
    await client().exec('TRUNCATE llm_providers CASCADE');
    expect(await providerRevisions(client())).toEqual({});
  });

  test('needs no right of who changes llm_providers, and is of the schema in which the table lies', async () => {
    await client().exec(`
      DO $$ BEGIN CREATE ROLE platform; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA public TO platform; GRANT SELECT, UPDATE ON llm_providers TO platform;
      SET ROLE platform; SET search_path = pg_catalog`);
    await client().exec(`UPDATE public.llm_providers SET is_active = FALSE WHERE provider_slug = 'groq'`);
    await client().exec('RESET ROLE; RESET search_path');
    expect(await providerRevisions(client())).toEqual({ groq: await revisionOf(client()) });
  });
});

describeOnUsualEngines('what is bound and what is used, by migration 007,', (client) => {
  const notes = async (): Promise<number> =>
    (await client().query('SELECT FROM keyward_foreign_changes')).length;
  const binding = async (): Promise<unknown> => columnsOf(client(), 'groq', 'api_key_binding');
  beforeEach(async () => {
    await applyUpTo(client(), '007');
    await client().exec(update('groq', `encrypted_api_key = 'first', api_key_binding = 'of the first'`));
  });

  test.each([
    ['is cleared when a program replaces the key without one', `encrypted_api_key = 'second'`, null],
    ['is cleared when the key is removed', 'encrypted_api_key = NULL', null],
    [
      'is the one that the writer of a new key brings',
      `encrypted_api_key = 'second', api_key_binding = 'of the second'`,
      'of the second',
    ],
    ['stays when the key is written as it was', `encrypted_api_key = 'first'`, 'of the first'],
    [
      'stays when something else is changed',
      `api_key_source = 'hybrid', health_status = 'x'`,
      'of the first',
    ],
  ])('a binding %s', async (_, assignments, api_key_binding) => {
    expect(await binding()).toEqual({ api_key_binding: 'of the first' });
    await client().exec(update('groq', assignments));
    expect(await binding()).toEqual({ api_key_binding });
  });

  test('a binding, a header and a network that are changed by SQL alone move the revision and are noted', async () => {
    const noted = await notes();
    for (const change of [
      `api_key_binding = 'forged'`,
      'allow_private_network = TRUE',
      `request_headers = '{"a": "b"}'`,
    ]) {
      const before = await revisionOf(client());
      await client().exec(update('groq', change));
      expect([change, (await revisionOf(client())) - before]).toEqual([change, 1]);
    }
    expect(await notes()).toBe(noted + 3);
  });

  test('a use of a token moves no revision and is no foreign change; role, end and revocation are both', async () => {
    await client().exec(insertToken('t'));
    const [before, noted] = [await revisionOf(client()), await notes()];
    await client().exec('UPDATE keyward_tokens SET last_used_at = now()');
    expect([await revisionOf(client()), await notes()]).toEqual([before, noted]);
    for (const change of [`role = 'viewer'`, 'expires_at = now()', 'revoked_at = now()', `kind = 'gateway'`])
      await client().exec(`UPDATE keyward_tokens SET ${change}`);
    expect([await revisionOf(client()), await notes()]).toEqual([before + 4, noted + 4]);
  });

  test('roles, methods and sources are those that there are, and a session ends with its token', async () => {
    await client().exec(insertToken('t', `'viewer', NULL`));
    await expect(client().exec(`UPDATE keyward_tokens SET role = 'owner'`)).rejects.toThrow('role_check');
    const insertSession = (method: string, role: string): string =>
      `INSERT INTO keyward_sessions (id_hash, method, token_id, subject, name, role, expires_at)
         SELECT repeat('a', 64), '${method}', id, 's', 'n', '${role}', now() FROM keyward_tokens`;
    await expect(client().exec(insertSession('cookie', 'admin'))).rejects.toThrow('method_check');
    await expect(client().exec(insertSession('token', 'owner'))).rejects.toThrow('role_check');
    await client().exec(insertSession('token', 'viewer'));
    await client().exec('DELETE FROM keyward_tokens');
    expect(await client().query('SELECT FROM keyward_sessions')).toEqual([]);
  });
});

describeOnUsualEngines('the rollback of migration 007', (client) => {
  const settings = 'api_key_binding, allow_private_network, request_headers';
  const setThree = `
    ${update('groq', `encrypted_api_key = 'key of groq', api_key_binding = 'binding of groq'`)};
    ${update('openai', `encrypted_api_key = 'key of openai', api_key_binding = 'binding of openai', allow_private_network = TRUE`)};
    ${update('xai', `request_headers = '{"x-team": "a"}', allow_private_network = TRUE`)}`;
  const allSettings = async (): Promise<unknown> =>
    client().query(
      `SELECT provider_slug, encrypted_api_key, ${settings} FROM llm_providers ORDER BY provider_slug`,
    );

  test('restores the catalogue, triggers as 004 and 006 left them, each file twice in a row', async () => {
    await applyUpTo(client(), '006');
    const before = await readCatalogue(client());
    await client().exec(apply);
    const applied = await readCatalogue(client());
    await client().exec(apply);
    expect(await readCatalogue(client())).toEqual(applied);
    for (let times = 0; times < 2; times += 1) {
      await client().exec(rollback);
      expect(await readCatalogue(client())).toEqual(before);
    }
    // They are not only there: a change moves the revision, and is noted.
    const revision = await revisionOf(client());
    await client().exec(update('groq', 'is_active = FALSE'));
    expect(await revisionOf(client())).toBe(revision + 1);
    expect(await client().query('SELECT operation FROM keyward_foreign_changes')).toEqual([
      { operation: 'UPDATE' },
    ]);
    await client().exec(apply);
    expect(await readCatalogue(client())).toEqual(applied);
  });

  test.each([
    ['public', ''],
    ['another schema', 'CREATE SCHEMA IF NOT EXISTS another; SET search_path = another'],
  ])('keeps settings and bindings, in %s, and a later apply brings them back, twice', async (_, prepare) => {
    await client().exec(prepare);
    await applyUpTo(client(), '007');
    await client().exec(setThree);
    const before = await allSettings();
    for (let times = 0; times < 2; times += 1) {
      await client().exec(`${rollback}; ${rollback}`);
      expect(await isThere(client(), backup)).toBe(true);
      await client().exec(apply);
      expect(await allSettings()).toEqual(before);
      expect(await isThere(client(), backup)).toBe(false);
    }
    await client().exec('RESET search_path; DROP SCHEMA IF EXISTS another CASCADE');
  });

  test('gives a binding to the key that it was made for, when that is there again, and to no other', async () => {
    await applyUpTo(client(), '007');
    await client().exec(setThree);
    await client().exec(rollback);
    await client().exec(update('groq', 'encrypted_api_key = NULL'));
    await client().exec(update('openai', `encrypted_api_key = 'another key'`));
    await client().exec(apply);
    expect(await columnsOf(client(), 'openai', settings)).toMatchObject({
      api_key_binding: null,
      allow_private_network: true,
    });
    // What was set since must not be overwritten by what waits.
    await client().exec(
      update('openai', `allow_private_network = FALSE, encrypted_api_key = 'key of openai'`),
    );
    await client().exec(update('groq', `encrypted_api_key = 'key of groq'`));
    await client().exec(apply);
    expect(await columnsOf(client(), 'openai', settings)).toMatchObject({
      api_key_binding: 'binding of openai',
      allow_private_network: false,
    });
    expect(await columnsOf(client(), 'groq', settings)).toMatchObject({ api_key_binding: 'binding of groq' });
    expect(await isThere(client(), backup)).toBe(false);
  });

  test('keeps the newer of two that it saved of a provider, and what waits for a provider that is gone', async () => {
    await applyUpTo(client(), '007');
    await client().exec(setThree);
    await client().exec(rollback);
    await client().exec(`DELETE FROM llm_providers WHERE provider_slug = 'openai'`);
    await client().exec(apply);
    await client().exec(update('xai', `request_headers = '{"x-team": "b"}'`));
    await client().exec(rollback);
    await client().exec(apply);
    expect(await columnsOf(client(), 'xai', 'request_headers')).toEqual({
      request_headers: { 'x-team': 'b' },
    });
    expect(await client().query(`SELECT provider_slug FROM ${backup}`)).toEqual([
      { provider_slug: 'openai' },
    ]);
  });

  test('revokes tokens that would be good for more or for longer without it, and no others', async () => {
    await applyUpTo(client(), '007');
    await client().exec(`${insertToken('plain')}; ${insertToken('admin', `'admin', NULL`)};
      ${insertToken('viewer', `'viewer', NULL`)}; ${insertToken('ends', `'admin', now() + interval '1 day'`)};
      ${insertToken('ended', `NULL, now() - interval '1 day'`)}`);
    const before = await revisionOf(client());
    await client().exec(rollback);
    expect(await goodTokens(client())).toEqual(['plain', 'admin']);
    // Every instance hears of it.
    expect(await revisionOf(client())).toBe(before + 1);
    await client().exec(rollback);
    expect(await goodTokens(client())).toEqual(['plain', 'admin']);
  });

  test('goes before those of 006 and 004, and after them has nothing to do', async () => {
    await applyUpTo(client(), '007');
    await expect(client().exec(migration('004_add_keyward_tables_rollback'))).rejects.toThrow('later ones');
    await expect(client().exec(migration('002_add_system_api_keys_rollback'))).rejects.toThrow('later ones');
    for (const name of [
      '007_add_administration',
      '006_add_audit',
      '005_add_key_checks',
      '004_add_keyward_tables',
    ])
      await client().exec(migration(`${name}_rollback`));
    await client().exec(rollback);
    await client().exec(migration('002_add_system_api_keys_rollback'));
    await client().exec(rollback);
  });
});
