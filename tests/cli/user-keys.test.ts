/** `keyward user-keys`: listed by owner and masked, and removed after a question. */
import { expect, it } from 'vitest';
import pg from 'pg';
import { commandLine, encryptionKey } from '../support/command-line.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');

it('keys of users are listed by owner, masked, and removed with a reason', { timeout: 120_000 }, async () => {
  const { run, environment } = await commandLine();
  expect((await run('user-keys list')).transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys list
    ID  OWNER  PROVIDER  KEY  NAME  AGE  TESTED  STATE
    ! No user has brought a key.
    "
  `);
  const client = new pg.Client({ connectionString: environment['DATABASE_URL'] ?? '' });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO user_api_keys (user_id, provider_id, key_name, encrypted_api_key, key_prefix, key_suffix, is_active,
                                  is_validated, validation_error, last_validated_at, created_at)
       SELECT owner, id, name, $1, 'sk-or-v', 'fa4e', v.is_active, is_valid, problem, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
         FROM (VALUES ('ada', 'openrouter', 'mine', true, true, NULL),
                      ('ada', 'groq', NULL, false, true, NULL),
                      (E'bob\\x1b[31m', 'openrouter', NULL, true, false, 'No auth credentials found.'))
              AS v (owner, slug, name, is_active, is_valid, problem)
         JOIN llm_providers ON provider_slug = slug ORDER BY owner, slug`,
      [KeyRing.parse(new Secret(encryptionKey)).encrypt(new Secret(key))],
    );
  } finally {
    await client.end();
  }
  const list = await run('user-keys list');
  expect(list.transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys list
    ID  OWNER          PROVIDER    KEY           NAME  AGE  TESTED   STATE
    1   ada            groq        sk-or-v…fa4e  -     N s  N s ago  off, valid
    2   ada            openrouter  sk-or-v…fa4e  mine  N s  N s ago  valid
    3   bob\\u001b[31m  openrouter  sk-or-v…fa4e  -     N s  N s ago  not valid: No auth credentials found.
    "
  `);
  expect((await run('user-keys list --owner ada --provider groq --json')).json).toMatchObject({
    user_keys: [{ id: 1, owner: 'ada', provider: 'groq', mask: 'sk-or-v…fa4e', is_active: false }],
  });
  expect((await run('user-keys list --owner nobody')).transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys list --owner nobody
    ID  OWNER  PROVIDER  KEY  NAME  AGE  TESTED  STATE
    ! No key of a user is like this.
    "
  `);
  expect((await run('user-keys remove 2')).transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys remove 2
    ! keyward: Removing a key asks first, and this is no terminal. Say --yes to go on.
    (exit code 2)
    "
  `);
  expect((await run('user-keys remove 2 --yes --reason gone')).transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys remove 2 --yes --reason gone
    Removed the key sk-or-v…fa4e of ada for openrouter. Their calls then go with the key of the platform. It lives on at its provider.
    Revision N; no server is running.
    "
  `);
  expect((await run('user-keys remove 2 --yes')).transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys remove 2 --yes
    ! keyward: There is no key of a user with the number 2. See them with: keyward user-keys list
    (exit code 2)
    "
  `);
  expect((await run('user-keys remove ada --yes')).transcript).toMatchInlineSnapshot(`
    "$ keyward user-keys remove ada --yes
    ! error: command-argument value 'ada' is invalid for argument 'number'. It must be a whole number from 0 to 999999999.
    ! (keyward --help shows the commands)
    (exit code 2)
    "
  `);
  expect((await run('user-keys remove 1 --yes --json')).json).toMatchObject({
    id: 1,
    owner: 'ada',
    provider: 'groq',
    removed: true,
  });
  expect((await run('audit list --action user_key.removed --json')).json).toMatchObject({
    events: [{ target: { id: 'ada groq' } }, { target: { id: 'ada openrouter' }, reason: 'gone' }],
  });
  expect(list.stdout).not.toContain('fa4efa4e');
});
