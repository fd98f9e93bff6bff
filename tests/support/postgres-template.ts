/** The database with all migrations that tests on a real PostgreSQL copy theirs from; one for each run. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrateAtStart } from '../../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';

/** @param server URL of a superuser */
export async function makePostgresTemplate(
  server: string,
): Promise<{ readonly name: string; readonly drop: () => Promise<void> }> {
  const name = `keyward_template_${randomBytes(8).toString('hex')}`;
  await run(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const database = await openDatabase(loadConfig({ DATABASE_URL: url.href }).database, {
    as: 'server',
    onProgress: () => undefined,
    onIdleError: () => undefined,
  });
  await migrateAtStart(database, () => undefined);
  await database.close();
  return { name, drop: async () => run(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function run(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
