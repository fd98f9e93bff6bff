/**
 * From one database to another, on both engines and between them: what an archive holds comes back to the last
 * value, the trail goes on and is whole, and a database that holds anything is refused and left as it is.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify-trail.ts';
import { applyMigrations } from '../../src/database/migrations/apply.ts';
import { assess, type KnownMigrations } from '../../src/database/migrations/assess.ts';
import { migrateAtStart, shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { readRevision } from '../../src/database/revision.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { countEncrypted, rowsByKey } from '../../src/keys/reencryption/count-encrypted.ts';
import { reencryptAll } from '../../src/keys/reencryption/reencrypt.ts';
import { setSource, storeKey } from '../../src/keys/change-provider.ts';
import { ringOf, section, writeArchive } from '../support/archives.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { backUp, restore } from '../support/backup-acts.ts';
import { readContents } from '../support/database-contents.ts';
import { atDepth } from '../support/depth.ts';
import { openOn, type Engine, type OpenedDatabase } from '../support/keyward-database.ts';
import { archivedRows, liveIn, nextNumbers } from '../support/lived-in-database.ts';
import { openUrl, withClient } from '../support/migration-stages.ts';
import { createDatabase, runAsSuperuser } from '../support/real-postgres.ts';
import { rotatingKey } from '../support/rotating.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const directory = useTemporaryDirectory();
const known = shippedMigrations();
const newest = known.migrations.at(-1)?.version ?? '';
const rings = ringOf('old', 'new', 'other');

let files = 0;
const newPath = (): string => join(directory(), `${(files += 1)}.archive`);

/** What a restore itself moves: the revision, and the trail, to which it adds its event. */
const moved = ['keyward_revision', 'keyward_audit_events'];

const pairs = atDepth<readonly (readonly [Engine, Engine])[]>({
  // From one engine to the other goes what tests/promises/ restores.
  usual: [['postgres', 'postgres']],
  thorough: [
    ['embedded', 'postgres'],
    ['postgres', 'embedded'],
  ],
});

describe.each(pairs)('from %s to %s', (fromEngine, toEngine) => {
  let from: OpenedDatabase;
  let to: OpenedDatabase;
  beforeAll(async () => {
    [from, to] = await Promise.all([openOn(fromEngine), openOn(toEngine)]);
  });
  beforeEach(async () => {
    await from.empty();
    await to.empty({ migrate: false });
  });
  afterAll(async () => {
    await from.close();
    await to.close();
  });

  it('everything comes back to the last value, and numbers go on where they were', async () => {
    const ring = rings('old');
    await liveIn(from, ring);
    const source = await from.connect();
    const before = await archivedRows(source);
    for (const [table, rows] of Object.entries(before)) expect(rows.length, table).toBeGreaterThan(0);
    const path = newPath();
    const { header } = await backUp(from.database, path, ring);
    expect(header.tables).toEqual(
      Object.fromEntries(Object.entries(before).map(([table, rows]) => [table, rows.length])),
    );
    expect(await archivedRows(source)).toEqual(before);

    const revision = await readRevision(from.database.kysely);
    const restored = await restore(to.database, path, ring);
    const target = await to.connect();
    expect(await archivedRows(target, moved)).toEqual(await archivedRows(source, moved));
    expect(await nextNumbers(target)).toEqual(await nextNumbers(source));
    const events = await archivedRows(target);
    expect(events['keyward_audit_events']).toEqual(
      expect.arrayContaining([...(before['keyward_audit_events'] ?? [])]),
    );
    expect(restored.revision).toBe(revision + 1);
    expect(await readRevision(to.database.kysely)).toBe(revision + 1);
    expect(restored.openRotations).toBe(2);
    const reports = await assess(to.database.kysely, known);
    expect(reports.map(({ state }) => state)).toEqual(reports.map(() => 'applied'));
  });

  it('the trail is whole, goes on, and its newest event tells of the restore', async () => {
    const ring = rings('old');
    await liveIn(from, ring);
    const path = newPath();
    const { checksum } = await backUp(from.database, path, ring);
    const waiting = await verifyAuditTrail({ db: from.database.kysely, ring });
    const { sequence } = await restore(to.database, path, ring);
    const report = await verifyAuditTrail({ db: to.database.kysely, ring });
    expect(report).toMatchObject({ whole: true, events: waiting.events + 1, head: { sequence } });
    // No row that was loaded passes for a change past Keyward.
    expect(report.waitingForeignChanges).toBe(waiting.waitingForeignChanges);
    const [event] = await to.database.kysely
      .selectFrom('keyward_audit_events')
      .select('event')
      .where('sequence', '=', String(sequence))
      .execute();
    expect(JSON.parse(event?.event ?? '')).toMatchObject({
      action: 'archive.restored',
      target: { kind: 'archive', id: checksum.slice(0, 16) },
      actor: { name: 'a test' },
      after: { checksum, schema_version: newest },
    });
    await setSource(await changePartsOn(to.database, ring), occasionOfTests, 'groq', { source: 'hybrid' });
    expect(await verifyAuditTrail({ db: to.database.kysely, ring })).toMatchObject({
      whole: true,
      head: { sequence: sequence + 1 },
    });
    expect(await readRevision(to.database.kysely)).toBe((await readRevision(from.database.kysely)) + 2);
  });

  it('a migrated database that nobody has used counts as empty', async () => {
    const ring = rings('old');
    await liveIn(from, ring);
    const path = newPath();
    await backUp(from.database, path, ring, { withUsage: false });
    await to.empty();
    await restore(to.database, path, ring);
    const target = await to.connect();
    const without = [...moved, 'llm_usage_logs'];
    expect(await archivedRows(target, without)).toEqual(await archivedRows(await from.connect(), without));
  });

  it('an archive from before the encryption key was changed opens while the ring holds the old key', async () => {
    await liveIn(from, rings('old'));
    const path = newPath();
    const { header } = await backUp(from.database, path, rings('old'));
    expect(header.keys.map(({ id }) => id)).toEqual([rings('old').activeKeyId]);
    const target = await to.connect();
    const before = await readContents(target);
    await expect(restore(to.database, path, rings('new'))).rejects.toThrow(rings('old').activeKeyId);
    expect(await readContents(target)).toEqual(before);

    const ring = rings('new', 'old');
    await restore(to.database, path, ring);
    const counts = rowsByKey(await countEncrypted(to.database.kysely, ring));
    expect([...counts.keys()]).toEqual([rings('old').activeKeyId]);
    const changes = await changePartsOn(to.database, ring);
    await reencryptAll(
      { ...changes, db: to.database.kysely, occasion: occasionOfTests },
      { onProgress: () => undefined },
    );
    const after = await countEncrypted(to.database.kysely, rings('new'));
    expect([...rowsByKey(after).keys()]).toEqual([rings('new').activeKeyId]);
    expect(after.flatMap(({ unreadable }) => unreadable)).toEqual([]);
  });

  it('an archive made while two encryption keys are in use takes both', async () => {
    const ring = rings('new', 'old');
    await liveIn(from, rings('old'));
    await storeKey(await changePartsOn(from.database, ring), occasionOfTests, 'mistral', {
      key: new Secret(rotatingKey(9)),
      source: 'database',
    });
    const path = newPath();
    await backUp(from.database, path, ring);
    const missing = rings('old').activeKeyId;
    await expect(restore(to.database, path, rings('new'))).rejects.toThrow(
      `takes the encryption key ${missing}, and the ring here holds ${rings('new').activeKeyId}. Nothing was changed.`,
    );
    await restore(to.database, path, rings('other', 'old', 'new'));
  });
});

describe.each(['embedded', 'postgres'] as const)('on %s', (engine) => {
  let opened: OpenedDatabase;
  beforeAll(async () => {
    opened = await openOn(engine);
  });
  beforeEach(async () => opened.empty());
  afterAll(async () => opened.close());

  const ring = rings('old');
  const tokens = section('keyward_tokens', [
    'id',
    'kind',
    'name',
    'token_hash',
    'token_prefix',
    'created_at',
  ]);
  const aToken = JSON.stringify(['1', 'gateway', 'a', '0'.repeat(64), 'kwg_', '2026-01-02 03:04:05']);

  async function smallArchive(rows: readonly string[] = [aToken]): Promise<string> {
    return writeArchive(newPath(), { ring, batches: [{ section: tokens, rows }] });
  }

  it.each([
    [
      'a token',
      `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'a', repeat('0', 64), 'kwg_')`,
      '1 row in keyward_tokens',
    ],
    [
      'a stored key',
      `UPDATE llm_providers SET encrypted_api_key = 'x' WHERE provider_slug = 'groq'`,
      '1 row in llm_providers',
    ],
    [
      'a provider that was changed',
      `UPDATE llm_providers SET base_url = 'https://a.example' WHERE provider_slug = 'groq'`,
      '1 row in llm_providers',
    ],
    [
      'a provider of a platform',
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('a', 'a', 'a')`,
      '1 row in llm_providers',
    ],
    ['a usage log', `INSERT INTO llm_usage_logs (user_id) VALUES ('a'), ('b')`, '2 rows in llm_usage_logs'],
    [
      'what a rollback kept',
      `CREATE TABLE keyward_audit_saved_events (a INTEGER)`,
      'keyward_audit_saved_events, which a rollback kept',
    ],
    [
      'a running server',
      `INSERT INTO keyward_instances (id, host, pid, version, revision) VALUES (gen_random_uuid(), 'here', 7, '0', 1)`,
      'a running server (process 7 on here)',
    ],
    [
      'a row of another program that refers to a provider',
      `CREATE TABLE a_bill (provider_id INTEGER REFERENCES llm_providers (id) ON DELETE CASCADE);
       INSERT INTO a_bill SELECT id FROM llm_providers WHERE provider_slug = 'groq'`,
      '1 row in a_bill, which refers to llm_providers',
    ],
  ])('a database with %s is refused and stays as it is', async (_, statement, named) => {
    const path = await smallArchive();
    const client = await opened.connect();
    await client.query(statement);
    const before = await readContents(client);
    await expect(restore(opened.database, path, ring)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining(named) as string,
    });
    expect(await readContents(client)).toEqual(before);
    await client.query('DROP TABLE IF EXISTS keyward_audit_saved_events, a_bill');
  });

  it('tables of other programs that do not refer to ours are left alone', async () => {
    const client = await opened.connect();
    await client.query('CREATE TABLE a_table AS SELECT 1 AS a');
    await restore(opened.database, await smallArchive(), ring);
    expect((await client.query('SELECT a FROM a_table')).rows).toEqual([{ a: 1 }]);
    await client.query('DROP TABLE a_table');
  });

  it('rows that the database refuses leave it as it was', async () => {
    const twice = await smallArchive([aToken, aToken]);
    const client = await opened.connect();
    const before = await readContents(client);
    await expect(restore(opened.database, twice, ring)).rejects.toThrow('duplicate key value');
    expect(await readContents(client)).toEqual(before);
  });

  it('a value that is wider than its column is refused, and not cut', async () => {
    const wide = aToken.replace('"a"', JSON.stringify('a'.repeat(201)));
    await expect(restore(opened.database, await smallArchive([wide]), ring)).rejects.toThrow(
      'value too long',
    );
  });

  it('values are never read as SQL', async () => {
    const name = `'); DROP TABLE keyward_tokens; --`;
    await restore(opened.database, await smallArchive([aToken.replace('"a"', JSON.stringify(name))]), ring);
    const rows = await opened.database.kysely.selectFrom('keyward_tokens').select('name').execute();
    expect(rows).toEqual([{ name }]);
  });

  it('an archive without a trail begins one with the event of its restore', async () => {
    const { sequence } = await restore(opened.database, await smallArchive(), ring);
    expect(sequence).toBe(1);
    expect(await verifyAuditTrail({ db: opened.database.kysely, ring })).toMatchObject({
      whole: true,
      events: 1,
      waitingForeignChanges: 0,
    });
  });

  describe('between versions', () => {
    /** A Keyward to come, with one migration more. */
    const later: KnownMigrations = {
      migrations: [
        ...known.migrations,
        {
          version: '900',
          name: 'later',
          file: '900_later.sql',
          sql: `ALTER TABLE keyward_tokens ADD COLUMN IF NOT EXISTS later TEXT; UPDATE keyward_tokens SET later = 'made of ' || name`,
          parts: [
            `ALTER TABLE keyward_tokens ADD COLUMN IF NOT EXISTS later TEXT; UPDATE keyward_tokens SET later = 'made of ' || name`,
          ],
          rollbackSql: '',
          checksum: '9'.repeat(64),
          formerChecksums: [],
        },
      ],
      expected: { ...known.expected, 900: { 'column keyward_tokens.later': 'text null' } },
    };

    it('a newer Keyward applies its migrations to what an older one backed up', async () => {
      const path = await smallArchive();
      await opened.empty({ migrate: false });
      await restore(opened.database, path, ring, later);
      const { rows } = await (await opened.connect()).query('SELECT name, later FROM keyward_tokens');
      expect(rows).toEqual([{ name: 'a', later: 'made of a' }]);
    });

    it('a database that is at a newer migration already is refused, since that would be left out', async () => {
      const path = await smallArchive();
      await opened.empty({ migrate: false });
      const apply = { force: false, lockTimeoutMs: 2_000, onStep: () => undefined };
      await applyMigrations(opened.database.kysely, later, apply);
      await expect(restore(opened.database, path, ring, later)).rejects.toThrow('already at migration 900');
    });

    it('an older Keyward refuses what a newer one backed up, with the version to install', async () => {
      await opened.empty({ migrate: false });
      const apply = { force: false, lockTimeoutMs: 2_000, onStep: () => undefined };
      await applyMigrations(opened.database.kysely, later, apply);
      const path = newPath();
      await backUp(opened.database, path, ring, { known: later });
      await opened.empty({ migrate: false });
      await expect(restore(opened.database, path, ring)).rejects.toThrow(
        /knows the migrations up to \d{3}\. .* Install Keyward/,
      );
      await restore(opened.database, path, ring, later);
    });
  });

  it('a start after a restore finds nothing to do', async () => {
    await opened.empty({ migrate: false });
    await restore(opened.database, await smallArchive(), ring);
    await migrateAtStart(opened.database, () => expect.unreachable());
  });
});

it('a role that may make tables and owns nothing else can restore', async () => {
  const role = `keyward_role_${randomBytes(8).toString('hex')}`;
  const path = newPath();
  const ring = rings('old');
  const from = await openOn('postgres');
  await liveIn(from, ring);
  await backUp(from.database, path, ring);
  await from.close();
  const { url, drop } = await createDatabase();
  await runAsSuperuser(`CREATE ROLE ${role}`);
  await withClient(url, async (client) => client.query(`GRANT ALL ON SCHEMA public TO ${role}`));
  const asRole = new URL(url);
  asRole.searchParams.set('options', `-crole=${role}`);
  const database = await openUrl(asRole.href);
  try {
    await restore(database, path, ring);
    expect(await verifyAuditTrail({ db: database.kysely, ring })).toMatchObject({ whole: true });
  } finally {
    await database.close();
    await drop();
    await runAsSuperuser(`DROP ROLE ${role}`);
  }
});
