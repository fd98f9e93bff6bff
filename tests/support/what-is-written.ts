/** What Keyward has written, for a scan: every row of every table as text, as a dump has them, and its directory. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Engine } from './keyward-database.ts';

/** Everything that was written, by where. */
export type Written = Map<string, string | Buffer>;

export async function readWhatIsStored(
  environment: Readonly<Record<string, string>>,
  engine: Engine,
  written: Written,
): Promise<void> {
  const directory = environment['KEYWARD_DATA_DIR'] ?? '';
  const client = new pg.Client(
    engine === 'embedded'
      ? { host: directory, user: 'postgres', database: 'postgres' }
      : { connectionString: environment['DATABASE_URL'] },
  );
  await client.connect();
  const tables = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
  );
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(
      `SELECT t::text AS row FROM ${pg.escapeIdentifier(name)} t`,
    );
    written.set(`table ${name}`, rows.map(({ row }) => row).join('\n'));
  }
  await client.end();
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isFile()) written.set(`file ${entry.name}`, await readFile(join(directory, entry.name)));
  }
}
