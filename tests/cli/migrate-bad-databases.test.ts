/** `keyward migrate` at a database that it cannot change: one clear line, the right exit code, nothing changed. */
import { Client } from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { migrateForPrograms } from '../support/migrate-command.ts';
import { known, stages } from '../support/migration-stages.ts';
import { type MigratingCase, useMigratingCases, withOption } from '../support/migrating-cases.ts';
import { runAsSuperuser } from '../support/real-postgres.ts';

vi.setConfig({ testTimeout: 60_000 });

const newCase = useMigratingCases();
const newest = stages.at(-1) ?? '';
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Refusal {
  readonly exitCode: number | null;
  readonly report: Readonly<Record<string, unknown>>;
  /** What people read of it, without the mark. */
  readonly told: readonly string[];
  readonly isUnchanged: boolean;
}

async function tryOut(found: MigratingCase, url: string, args: readonly string[] = []): Promise<Refusal> {
  const before = JSON.stringify(await found.contents());
  const { exitCode, report, stderr } = await migrateForPrograms(
    { ...found.environment, DATABASE_URL: url },
    ...args,
  );
  return {
    exitCode,
    report,
    told: stderr.split('\n').filter((line) => /❌|^\s+at |fault/.test(line)),
    isUnchanged: JSON.stringify(await found.contents()) === before,
  };
}

/** One clear line to both, the exit code, and nothing changed. */
function refused(line: RegExp): unknown {
  return {
    exitCode: 1,
    report: { action: expect.any(String), ok: false, exit_code: 1, error: expect.stringMatching(line) },
    told: [expect.stringMatching(new RegExp(line.source.replace('^', '^❌ ')))],
    isUnchanged: true,
  };
}

const everyAction = [[], ['--check'], ['--verify'], ['--rollback', '--yes'], ['--dry-run'], ['--force']];

describe('that does not let it in', () => {
  const ways: { what: string; change: (url: URL) => void; line: RegExp }[] = [
    {
      what: 'a wrong password',
      change: (url) => (url.password = 'wrong'),
      line: /^The database refuses the connection \(PostgreSQL postgres@[^)]+\): password authentication failed for user "postgres"$/,
    },
    {
      what: 'a database that does not exist',
      change: (url) => (url.pathname = '/nowhere'),
      line: /^The database refuses the connection \(PostgreSQL [^)]+\/nowhere\): database "nowhere" does not exist$/,
    },
    {
      what: 'nobody at the port',
      change: (url) => (url.port = '1'),
      line: /^The database does not answer \(PostgreSQL [^)]+\): connect ECONNREFUSED/,
    },
  ];
  it.each(ways)('$what is one line, for every action', async ({ change, line }) => {
    const found = await newCase('001');
    const url = new URL(found.url);
    change(url);
    for (const args of [[], ['--check'], ['--rollback', '--yes']])
      expect(await tryOut(found, url.href, args)).toEqual(refused(line));
  });
});

describe('that does not let it write', () => {
  const readOnly = (url: string): string => withOption(url, 'default_transaction_read_only', 'on');

  it.each(['000', '001', '003'])(
    'a read-only server at %s is named, and nothing is changed',
    async (stage) => {
      const found = await newCase(stage);
      const line =
        /^Migration \S+\.sql failed and changed nothing: cannot execute [A-Z ]+ in a read-only transaction\.$/;
      expect(await tryOut(found, readOnly(found.url))).toEqual(refused(line));
    },
  );

  it('a read-only server refuses a rollback and a repair', async () => {
    const found = await newCase(newest);
    const line = /failed and changed nothing: cannot execute [A-Z ]+ in a read-only transaction\.$/;
    for (const args of [['--rollback'], ['--force']])
      expect(await tryOut(found, readOnly(found.url), args)).toEqual(refused(line));
  });

  it('a read-only server is enough to look, and to find that nothing is to be done', async () => {
    const whole = await newCase(newest);
    const before = await whole.contents();
    const environment = { ...whole.environment, DATABASE_URL: readOnly(whole.url) };
    for (const args of [['--check'], ['--verify'], ['--dry-run'], []])
      expect(await migrateForPrograms(environment, ...args)).toMatchObject({ exitCode: 0 });
    expect(await whole.contents()).toEqual(before);

    const pending = await newCase('001');
    expect(
      await migrateForPrograms({ ...pending.environment, DATABASE_URL: readOnly(pending.url) }, '--check'),
    ).toMatchObject({ exitCode: 3 });
  });
});

/** A role of its own that may log in, and what else it is granted. */
async function roleIn(found: MigratingCase, grants: (role: string) => string): Promise<string> {
  const role = new URL(found.url).pathname.slice(1).replace('keyward_test', 'keyward_role');
  await runAsSuperuser(`CREATE ROLE ${role} LOGIN PASSWORD 'weak'`);
  await found.sql(grants(role));
  cleanUps.push(async () => {
    await found.sql(`DROP OWNED BY ${role}`);
    await runAsSuperuser(`DROP ROLE ${role}`);
  });
  const url = new URL(found.url);
  url.username = role;
  url.password = 'weak';
  return url.href;
}

const mayRead = (role: string): string => `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`;

describe('as a role without rights', () => {
  it('that may make tables and owns none says what it may not, and changes nothing', async () => {
    const found = await newCase('001');
    const url = await roleIn(found, (role) => `GRANT ALL ON SCHEMA public TO ${role}; ${mayRead(role)}`);
    expect(await tryOut(found, url)).toEqual(
      refused(/^The role \w+ may not alter these tables: [^\n]+ Nothing was changed\. [^\n]+$/),
    );
  });

  it('that may not make tables says so', async () => {
    const found = await newCase('000');
    const url = await roleIn(found, () => 'SELECT 1');
    expect(await tryOut(found, url)).toEqual(
      refused(/^Migration 001_\S+ failed and changed nothing: permission denied for schema public\.$/),
    );
  });

  it('that may not read the ledger says so, for every action', async () => {
    const found = await newCase(newest);
    const url = await roleIn(found, () => 'SELECT 1');
    const line =
      /^(?:The role \w+ may not read the ledger, [^\n]+: GRANT SELECT ON [^\n]+|[^\n]+ failed and changed nothing: permission denied for table llm_providers)\.$/;
    for (const args of everyAction) expect(await tryOut(found, url, args)).toEqual(refused(line));
  });

  it('that may read is enough to look, and to find that nothing is to be done', async () => {
    const found = await newCase(newest);
    const url = await roleIn(found, mayRead);
    for (const args of [['--check'], ['--verify'], ['--dry-run'], []])
      expect(await migrateForPrograms({ ...found.environment, DATABASE_URL: url }, ...args)).toMatchObject({
        exitCode: 0,
      });
  });
});

describe('whose search_path is not clear', () => {
  const another = `CREATE SCHEMA another; CREATE TABLE another.llm_providers (LIKE public.llm_providers INCLUDING ALL)`;

  it('two llm_providers on it are named with their schemas, for every action that needs one', async () => {
    const found = await newCase('001', another);
    const line =
      /^The search_path leads to llm_providers in another and in public, and new tables go to another: .*Nothing was changed\.$/;
    for (const args of [[], ['--check'], ['--dry-run'], ['--rollback', '--yes']])
      expect(await tryOut(found, withOption(found.url, 'search_path', 'another,public'), args)).toEqual(
        refused(line),
      );
  });

  it('an llm_providers behind an empty schema is not taken for ours', async () => {
    const found = await newCase('001', 'CREATE SCHEMA empty');
    const line = /^The search_path leads to llm_providers in public, and new tables go to empty: /;
    expect(await tryOut(found, withOption(found.url, 'search_path', 'empty,public'))).toEqual(refused(line));
  });

  it('a schema that does not exist is said', async () => {
    const found = await newCase('001');
    expect(await tryOut(found, withOption(found.url, 'search_path', 'nowhere'))).toEqual(
      refused(/^The search_path of this role names no schema that exists/),
    );
  });

  it('the message tells the way out, which works', async () => {
    const found = await newCase('001', another);
    const url = withOption(found.url, 'search_path', 'public');
    expect(await migrateForPrograms({ ...found.environment, DATABASE_URL: url })).toMatchObject({
      exitCode: 0,
    });
    expect(await found.sql(`SELECT to_regclass('another.keyward_migrations') AS ledger`)).toEqual([
      { ledger: null },
    ]);
  });
});

describe('whose tables are held by others', () => {
  it('a long transaction makes it give up with exit code 5, and nobody waits for either of them', async () => {
    const found = await newCase('001');
    const before = await found.contents();
    const holder = new Client({ connectionString: found.url });
    const reader = new Client({ connectionString: found.url });
    await Promise.all([holder.connect(), reader.connect()]);
    await holder.query('BEGIN; SELECT FROM llm_providers');

    const attempt = { isOver: false };
    const running = migrateForPrograms(found.environment, '--lock-timeout', '50').finally(() => {
      attempt.isOver = true;
    });
    // The holder never lets go while the runner tries: whoever stood behind the runner for good would never be done.
    let reads = 0;
    for (; !attempt.isOver; reads += 1) await reader.query('SELECT count(*) FROM llm_providers');
    const { exitCode, report, stderr } = await running;
    expect(exitCode, stderr).toBe(5);
    expect(report['error']).toMatch(
      /^Migration 002 did not get its lock in 8 attempts: [^\n]+ Nothing was changed\. See pg_stat_activity/,
    );
    expect(stderr.match(/a table is locked, trying again/g)).toHaveLength(7);
    expect(reads).toBeGreaterThan(0);
    await Promise.all([holder.end(), reader.end()]);
    expect(await found.contents()).toEqual(before);
  });

  it('one that lets go in time only makes it wait', async () => {
    const found = await newCase('001');
    const holder = new Client({ connectionString: found.url });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE llm_providers');
    const running = migrateForPrograms(found.environment, '--lock-timeout', '60000');
    await expect
      .poll(async () => (await holder.query('SELECT FROM pg_locks WHERE NOT granted')).rows.length, {
        timeout: 30_000,
        interval: 10,
      })
      .toBeGreaterThan(0);
    await holder.query('COMMIT');
    expect(await running).toMatchObject({ exitCode: 0 });
    await holder.end();
  });
});

it('a pooler or a proxy that ends the session in the middle is one line that tells how to go on', async () => {
  const found = await newCase('001');
  const holder = new Client({ connectionString: found.url });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE llm_providers');
  const running = migrateForPrograms(found.environment, '--lock-timeout', '60000');
  const terminated = async (): Promise<number> =>
    (
      await holder.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'llm_providers'::regclass`,
      )
    ).rows.length;
  await expect.poll(terminated, { timeout: 30_000, interval: 10 }).toBeGreaterThan(0);
  await holder.end();
  const { exitCode, report } = await running;
  expect(exitCode).toBe(1);
  expect(report['error']).toMatch(
    /^Migration 00\d_\S+: the connection to the database was lost\. [^\n]+ a next run goes on/,
  );
  expect(await found.stage()).toBe('001');
  expect(await migrateForPrograms(found.environment)).toMatchObject({
    exitCode: 0,
    report: { done: known.migrations.slice(1).map(({ version }) => ({ version, kind: 'applied' })) },
  });
});
