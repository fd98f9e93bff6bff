/** The rules of the house hold in src/, and a planted breach of each shows that they would be missed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { knownProviders } from '../src/providers/registry.ts';
import { breaches, type House, type Sources } from './support/architecture-rules.ts';

const house: House = {
  floors: [
    ['main.ts'],
    ['cli'],
    ['server.ts'],
    ['rooms.ts'],
    ['admin-door.ts', 'usage-room.ts', 'server-metrics.ts'],
    ['front-door.ts'],
    ['open-installation.ts'],
    ['installation.ts'],
    ['gateway', 'admin-api', 'jobs'],
    ['backup'],
    ['keys'],
    ['auth', 'alerts', 'usage'],
    ['audit'],
    ['database', 'crypto', 'providers'],
    ['foundation'],
  ],
  forbidden: [
    ['gateway', 'database'],
    ['keys', 'alerts'],
  ],
  packages: { pg: 'database', '@electric-sql/': 'database' },
  environmentReaders: /^foundation\/config(?:-[a-z-]+)?\.ts$/,
  revealers: [
    'audit/audit-key.ts', // opens the key of the chain
    'alerts/channel-secrets.ts', // takes them out of what is told and recorded
    'alerts/channel-settings.ts', // looks where the address of a channel leads, encrypts
    'alerts/post-message.ts', // posts to an address that is a secret
    'alerts/send-email.ts', // signs in at the SMTP server
    'admin-api/kept-answer.ts', // gives an answer again
    'admin-api/routes/token-routes.ts', // shows a new token, once
    'admin-api/session-cookie.ts', // sets the cookie
    'auth/session-secret.ts', // hashes the secret of a session
    'auth/sign-in-state.ts', // seals what a sign-in must find again
    'auth/single-sign-on.ts', // sends the client secret to the identity provider
    'auth/token.ts', // hashes
    'auth/token-store.ts', // hashes a new token
    'cli/alert-channels.ts', // parses the settings that were entered
    'cli/encryption-key.ts', // prints a new encryption key
    'cli/serve.ts', // shows the first tokens, once
    'cli/tokens.ts', // prints a new token
    'crypto/encryption-key-file.ts', // writes the encryption key to its file
    'crypto/fingerprint.ts', // hashes and masks
    'crypto/key-ring.ts', // parses the encryption keys, encrypts
    'crypto/webhook-signature.ts', // signs what is posted
    'crypto/stored-key.ts', // trims what was decrypted, to hash and mask it
    'keys/stored-key.ts', // trims what was decrypted and looks whether a header can carry it
    'providers/key-header.ts', // sends the key to its provider
    'providers/managed-request.ts', // names the key to its provider that is to be revoked
    'providers/key-shape.ts', // looks whether a key is one of this provider
    'providers/redact.ts', // takes keys out of what providers say
  ],
  providerRoom: 'providers',
  providerNames: knownProviders.map(({ slug }) => slug),
};

function readSources(): Sources {
  const root = fileURLToPath(new URL('../src/', import.meta.url));
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(root.length).replaceAll(sep, '/'), readFileSync(path, 'utf8')];
    }),
  );
}

test('the rules hold in src/', () => {
  const sources = readSources();
  expect(sources.size).toBeGreaterThan(50);
  expect(breaches(sources, house)).toEqual([]);
});

/** A small house in order, to plant one breach in. */
const inOrder: Readonly<Record<string, string>> = {
  'main.ts': "/** */ import { run } from './cli/run.ts';",
  'cli/run.ts': "/** */ const { serve } = await import('../server.ts');",
  'server.ts': "/** */ import { open } from './gateway/open.ts'; import './open-installation.ts';",
  'open-installation.ts': "/** */ import type { Key } from './keys/key.ts';",
  'gateway/open.ts': "/** */ import { Pool } from 'undici'; import type { Key } from '../keys/key.ts';",
  'admin-api/app.ts': "/** */ export { Key } from '../keys/key.ts';",
  'jobs/test-keys.ts': "/** */ import { raise } from '../alerts/raise.ts'; import '../keys/key.ts';",
  'keys/key.ts': "/** Never process.env. */ import '../database/connect.ts'; // .reveal() === 'openai'",
  'alerts/raise.ts': "/** */ import '../foundation/config.ts';",
  'database/connect.ts':
    "/** */ import pg from 'pg'; const { PGlite } = await import('@electric-sql/pglite');",
  'providers/openai.ts':
    "/** */ const url = 'https://api'; /* export default */ if (slug === 'openai') key.reveal();",
  'foundation/config.ts': '/** */ const environment = process.env;',
};
const houseInOrder: House = { ...house, revealers: ['providers/openai.ts'] };

function breachesWith(planted: Readonly<Record<string, string>>): string[] {
  return breaches(new Map(Object.entries({ ...inOrder, ...planted })), houseInOrder);
}

describe('a planted breach', () => {
  test('is not found where there is none', () => {
    expect(breachesWith({})).toEqual([]);
  });

  test.each([
    [
      'an import up',
      'keys/up.ts',
      "import '../gateway/open.ts';",
      'imports gateway/open.ts, which is not below it',
    ],
    [
      'an import up of a type',
      'keys/up.ts',
      "import type {\n A,\n} from '../gateway/open.ts';",
      'imports gateway/open.ts, which is not below it',
    ],
    [
      'a dynamic import up',
      'crypto/up.ts',
      "await import('../keys/key.ts');",
      'imports keys/key.ts, which is not below it',
    ],
    [
      'a re-export from above',
      'crypto/up.ts',
      "export * from '../keys/key.ts';",
      'imports keys/key.ts, which is not below it',
    ],
    [
      'an import after a string with // in it',
      'keys/up.ts',
      "const a = 'https://a'; import '../gateway/open.ts';",
      'imports gateway/open.ts, which is not below it',
    ],
    [
      'gateway importing admin-api',
      'gateway/a.ts',
      "import '../admin-api/app.ts';",
      'imports admin-api/app.ts, which is not below it',
    ],
    [
      'jobs importing gateway',
      'jobs/a.ts',
      "import '../gateway/open.ts';",
      'imports gateway/open.ts, which is not below it',
    ],
    [
      'admin-api importing jobs',
      'admin-api/a.ts',
      "import '../jobs/test-keys.ts';",
      'imports jobs/test-keys.ts, which is not below it',
    ],
    ['a room that nobody planned', 'stuff/a.ts', '', 'stands in stuff, which is on no floor'],
    [
      'gateway importing database',
      'gateway/a.ts',
      "import '../database/connect.ts';",
      'imports database/connect.ts, which gateway must not',
    ],
    [
      'keys importing alerts',
      'keys/a.ts',
      "import '../alerts/raise.ts';",
      'imports alerts/raise.ts, which keys must not',
    ],
    ['pg elsewhere', 'keys/a.ts', "import pg from 'pg';", 'imports pg, which belongs in database alone'],
    [
      'a part of pg elsewhere',
      'keys/a.ts',
      "import type { A } from 'pg/lib/a.js';",
      'imports pg/lib/a.js, which belongs in database alone',
    ],
    [
      'PGlite elsewhere',
      'cli/a.ts',
      "await import('@electric-sql/pglite');",
      'imports @electric-sql/pglite, which belongs in database alone',
    ],
    ['process.env elsewhere', 'cli/a.ts', 'const home = process.env.HOME;', 'reads process.env'],
    ['process.env taken apart', 'cli/a.ts', 'const { env } = process;', 'reads process.env'],
    ['process.env by import', 'cli/a.ts', "import { env } from 'node:process';", 'reads process.env'],
    [
      'a reveal that is not listed',
      'cli/a.ts',
      'print(`${key.reveal()}`);',
      'calls reveal() and is not listed',
    ],
    [
      'a reveal passed on',
      'cli/a.ts',
      'const show = key.reveal.bind(key);',
      'calls reveal() and is not listed',
    ],
    [
      'a provider in an if',
      'keys/a.ts',
      "if (slug === 'openai') a();",
      'compares with the name of a provider',
    ],
    [
      'a provider on the left',
      'keys/a.ts',
      'if ("groq" !== slug) a();',
      'compares with the name of a provider',
    ],
    [
      'a provider in a switch',
      'gateway/a.ts',
      "switch (slug) { case 'xai': a(); }",
      'compares with the name of a provider',
    ],
    [
      'a provider as a prefix',
      'gateway/a.ts',
      "if (model.startsWith('openrouter/')) a();",
      'compares with the name of a provider',
    ],
    ['an index', 'keys/index.ts', '', 'is an index'],
    ['camel case', 'keys/rotateKey.ts', '', 'is not a kebab-case .ts name'],
    ['a room of utils', 'keys/utils/a.ts', '', 'is named utils, which says nothing'],
    ['a manager', 'keys/key-manager.ts', '', 'is named manager, which says nothing'],
    ['a default export', 'keys/a.ts', 'export default 1;', 'has a default export'],
    [
      'a default export by name',
      'keys/a.ts',
      'const a = 1; export { a as default };',
      'has a default export',
    ],
  ])('is found and named: %s', (_, path, code, message) => {
    expect(breachesWith({ [path]: `/** */ ${code}` })).toEqual([`${path} ${message}`]);
  });

  test('is found and named: a file that does not say what it owns', () => {
    expect(breachesWith({ 'keys/a.ts': '// keys' })).toEqual(['keys/a.ts does not open with a /** comment']);
  });

  test('is found and named: a listed file that no longer reveals', () => {
    expect(breachesWith({ 'providers/openai.ts': '/** */' })).toEqual([
      'providers/openai.ts is listed and does not call reveal()',
    ]);
  });

  test('is found and named: files that import each other', () => {
    const planted = {
      'keys/a.ts': "/** */ import './b.ts';",
      'keys/b.ts': "/** */ import type { A } from './a.ts';",
    };
    expect(breachesWith(planted)).toEqual(['keys/a.ts → keys/b.ts → keys/a.ts is a cycle']);
  });
});
