/**
 * 002 on a large llm_providers takes two transactions: readers wait for neither index. Killed in between,
 * what is there does no harm, and the next run does the rest.
 */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { applyMigrations } from '../../../src/database/migrations/apply.ts';
import { assess } from '../../../src/database/migrations/assess.ts';
import type { Database } from '../../../src/database/database.ts';
import { applyQuietly, known, MigrationStages, openUrl } from '../../support/migration-stages.ts';
import { Client } from 'pg';

/** Over the 8 MB from which a table counts as large. */
const manyRows = `INSERT INTO llm_providers (provider_name, provider_slug, display_name, description)
  SELECT 'p' || n, 'p' || n, 'P', repeat('x', 1000) FROM generate_series(1, 10000) AS n`;

/** Notes at each CREATE INDEX whether readers are locked out by the transaction that runs it. */
const watchIndexes = `
  CREATE SCHEMA watch; CREATE TABLE watch.seen (locked_out BOOLEAN);
  CREATE FUNCTION watch.look() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO watch.seen SELECT EXISTS (
      SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'public.llm_providers'::regclass AND mode = 'AccessExclusiveLock');
  END $$;
  CREATE EVENT TRIGGER watch ON ddl_command_end WHEN tag IN ('CREATE INDEX') EXECUTE FUNCTION watch.look()`;

const dieAtIndex = `
  CREATE SCHEMA death;
  CREATE FUNCTION death.now() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END $$;
  CREATE EVENT TRIGGER death ON ddl_command_end WHEN tag IN ('CREATE INDEX') EXECUTE FUNCTION death.now()`;

let stages: MigrationStages;
let database: Database;
let client: pg.Client;
let drop: () => Promise<void>;

beforeAll(async () => {
  stages = await MigrationStages.prepare();
});
afterAll(async () => stages.drop());
beforeEach(async () => {
  const copy = await stages.copy('001');
  database = await openUrl(copy.url);
  client = new Client({ connectionString: copy.url });
  await client.connect();
  drop = copy.drop;
});
afterEach(async () => {
  await client.end();
  await database.close();
  await drop();
});

const apply002 = async (): Promise<void> =>
  applyMigrations(database.kysely, known, { ...applyQuietly, to: '002' });

it.each([
  { size: 'small', sql: 'SELECT 1', lockedOut: true },
  { size: 'large', sql: manyRows, lockedOut: false },
])(
  'on a $size table readers are locked out while the indexes are made: $lockedOut',
  async ({ sql, lockedOut }) => {
    await client.query(`${sql}; ${watchIndexes}`);
    await apply002();
    expect((await client.query('SELECT * FROM watch.seen')).rows).toEqual([
      { locked_out: lockedOut },
      { locked_out: lockedOut },
    ]);
    expect(await stages.stageOf(client)).toBe('002');
  },
);

it('a runner that dies between the two leaves columns that do no harm, says so when asked, and the next run goes on', async () => {
  await client.query(`${manyRows}; ${dieAtIndex}`);
  await expect(apply002()).rejects.toMatchObject({ exitCode: 1 });
  expect(
    (await assess(database.kysely, known)).map(({ version, state }) => `${version} ${state}`).slice(0, 3),
  ).toEqual(['001 applied', '002 partial', '003 pending']);
  const { rows } = await client.query(
    `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('f', 'f', 'F') RETURNING api_key_source, encrypted_api_key`,
  );
  expect(rows).toEqual([{ api_key_source: 'environment', encrypted_api_key: null }]);

  await client.query('DROP EVENT TRIGGER death');
  await apply002();
  expect(await stages.stageOf(client)).toBe('002');
});

it('the rows are not rewritten', async () => {
  await client.query(manyRows);
  const file = async (): Promise<unknown> =>
    (await client.query(`SELECT pg_relation_filenode('llm_providers') AS file`)).rows;
  const before = await file();
  await apply002();
  expect(await file()).toEqual(before);
});
