/**
 * 002 and 005 on a large llm_providers take two transactions each: readers wait neither for an index nor for
 * a check. Killed in between, what is there does no harm, and the next run does the rest.
 */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyMigrations } from '../../../src/database/migrations/apply.ts';
import { assess } from '../../../src/database/migrations/assess.ts';
import type { Database } from '../../../src/database/database.ts';
import { applyQuietly, known, MigrationStages, openUrl } from '../../support/migration-stages.ts';
import { Client } from 'pg';

/** Over the 8 MB from which a table counts as large. */
const manyRows = `INSERT INTO llm_providers (provider_name, provider_slug, display_name, description)
  SELECT 'p' || n, 'p' || n, 'P', repeat('x', 1000) FROM generate_series(1, 10000) AS n`;

interface Splitting {
  readonly version: string;
  /** The stage before it. */
  readonly from: string;
  /** What an event trigger calls the statements that take time. */
  readonly tag: string;
  /** Whether the statement that runs is one of them. */
  readonly takesTime: string;
  readonly statements: number;
  /** What its first part alone counts as. */
  readonly half: string;
}

const splitting: readonly Splitting[] = [
  { version: '002', from: '001', tag: 'CREATE INDEX', takesTime: 'true', statements: 2, half: 'partial' },
  {
    version: '005',
    from: '004',
    tag: 'ALTER TABLE',
    // The last of what was sent at once, and the only one of its kind.
    takesTime: `EXISTS (SELECT FROM pg_constraint WHERE conname = 'llm_providers_api_key_test_status_check' AND convalidated)`,
    statements: 1,
    half: 'unrecorded',
  },
];

/** Notes at each such statement whether readers are locked out by the transaction that runs it. */
const watch = ({ tag, takesTime }: Splitting): string => `
  CREATE SCHEMA watch; CREATE TABLE watch.seen (locked_out BOOLEAN);
  CREATE FUNCTION watch.look() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO watch.seen SELECT EXISTS (
      SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'public.llm_providers'::regclass AND mode = 'AccessExclusiveLock')
      WHERE ${takesTime};
  END $$;
  CREATE EVENT TRIGGER watch ON ddl_command_end WHEN tag IN ('${tag}') EXECUTE FUNCTION watch.look()`;

const die = ({ tag, takesTime }: Splitting): string => `
  CREATE SCHEMA death;
  CREATE FUNCTION death.now() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF ${takesTime} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
  END $$;
  CREATE EVENT TRIGGER death ON ddl_command_end WHEN tag IN ('${tag}') EXECUTE FUNCTION death.now()`;

let stages: MigrationStages;
let database: Database;
let client: pg.Client;
let drop: () => Promise<void> = async () => {};

beforeAll(async () => {
  stages = await MigrationStages.prepare();
});
afterAll(async () => stages.drop());
afterEach(async () => {
  await client.end();
  await database.close();
  await drop();
});

async function begin(from: string): Promise<void> {
  const copy = await stages.copy(from);
  database = await openUrl(copy.url);
  client = new Client({ connectionString: copy.url });
  await client.connect();
  drop = copy.drop;
}

async function apply(to: string): Promise<void> {
  return applyMigrations(database.kysely, known, { ...applyQuietly, to });
}

describe.each(splitting)('$version', (migration) => {
  const { version, from, statements } = migration;

  it.each([
    { size: 'small', rows: 'SELECT 1', lockedOut: true },
    { size: 'large', rows: manyRows, lockedOut: false },
  ])(
    'on a $size table locks readers out while it does what takes time: $lockedOut',
    async ({ rows, lockedOut }) => {
      await begin(from);
      await client.query(`${rows}; ${watch(migration)}`);
      await apply(version);
      expect((await client.query('SELECT * FROM watch.seen')).rows).toEqual(
        Array.from({ length: statements }, () => ({ locked_out: lockedOut })),
      );
      expect(await stages.stageOf(client)).toBe(version);
    },
  );

  it('whose runner dies between the two leaves what does no harm, says so when asked, and the next run goes on', async () => {
    await begin(from);
    await client.query(`${manyRows}; ${die(migration)}`);
    await expect(apply(version)).rejects.toMatchObject({ exitCode: 1 });
    const reports = await assess(database.kysely, known);
    expect(reports.map((one) => `${one.version} ${one.state}`)).toEqual(
      known.migrations.map(
        (one) =>
          `${one.version} ${one.version < version ? 'applied' : one.version === version ? migration.half : 'pending'}`,
      ),
    );
    const { rows } = await client.query(
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('f', 'f', 'F') RETURNING api_key_source, encrypted_api_key`,
    );
    expect(rows).toEqual([{ api_key_source: 'environment', encrypted_api_key: null }]);

    await client.query('DROP EVENT TRIGGER death');
    await apply(version);
    expect(await stages.stageOf(client)).toBe(version);
  });

  it('does not rewrite the rows', async () => {
    await begin(from);
    await client.query(manyRows);
    const file = async (): Promise<unknown> =>
      (await client.query(`SELECT pg_relation_filenode('llm_providers') AS file`)).rows;
    const before = await file();
    await apply(version);
    expect(await file()).toEqual(before);
  });
});

it('005 leaves rows with another status on a large table too, and is applied with a remark', async () => {
  await begin('004');
  await client.query(
    `${manyRows}; UPDATE llm_providers SET api_key_test_status = 'ok' WHERE provider_slug = 'p7'`,
  );
  await apply('005');
  const report = (await assess(database.kysely, known)).find(({ version }) => version === '005');
  expect(report).toMatchObject({ state: 'applied', differences: [] });
  expect(report?.remarks).toEqual([expect.stringContaining('api_key_test_status_check is NOT VALID')]);
  const { rows } = await client.query(
    `SELECT provider_slug FROM llm_providers WHERE api_key_test_status = 'ok'`,
  );
  expect(rows).toEqual([{ provider_slug: 'p7' }]);
});
