/**
 * An empty embedded database with all migrations applied, made once for all the documents that describe
 * it, and thrown away.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { readFacts, type Facts } from '../src/database/migrations/catalogue.ts';
import { catalogueStep, type ExpectedCatalogue } from '../src/database/migrations/expected-facts.ts';
import { createLedger } from '../src/database/migrations/ledger.ts';
import { readMigrations, type Migration } from '../src/database/migrations/migration-files.ts';
import { openDatabase } from '../src/database/open-database.ts';
import type { Tables } from '../src/database/tables.ts';
import { readSchema, type Schema, type Table } from './read-schema.ts';

export interface MigratedDatabase {
  readonly kysely: Kysely<Tables>;
  readonly migrations: readonly Migration[];
  /** What each migration adds to the catalogue, changes and takes away. */
  readonly steps: ExpectedCatalogue;
  /** As it is after the last migration, with the runner's ledger. */
  readonly schema: Schema;
  /** Tables that only a rollback makes. */
  readonly rollbackTables: readonly Table[];
}

export async function withMigratedDatabase<T>(use: (migrated: MigratedDatabase) => Promise<T>): Promise<T> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'keyward-catalogue-'));
  try {
    const database = await openDatabase(
      { kind: 'embedded', dataDirectory },
      { as: 'command', onProgress: () => undefined, onIdleError: () => undefined },
    );
    try {
      return await use(await migrate(database.kysely));
    } finally {
      await database.close();
    }
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

async function migrate(kysely: Kysely<Tables>): Promise<MigratedDatabase> {
  const migrations = readMigrations();
  const steps: Record<string, Record<string, string | null>> = {};
  const rollbackTables: Table[] = [];
  let before: Facts = new Map();
  for (const migration of migrations) {
    await sql.raw(migration.sql).execute(kysely);
    const after = await readFacts(kysely, await tableNames(kysely));
    steps[migration.version] = catalogueStep(before, after);
    before = after;
    rollbackTables.push(...(await tablesOfRollback(kysely, migration)));
  }
  await createLedger(kysely);
  return { kysely, migrations, steps, schema: await readSchema(kysely), rollbackTables };
}

async function tableNames(kysely: Kysely<Tables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()`.execute(kysely);
  return rows.map(({ name }) => name);
}

/** What rollbacks save where there is something to save, by the number of the migration. */
const somethingToSave: Readonly<Record<string, string>> = {
  '002': `UPDATE llm_providers SET encrypted_api_key = 'any' WHERE provider_slug = 'openrouter'`,
  '007': `UPDATE llm_providers SET allow_private_network = true WHERE provider_slug = 'openrouter'; SET CONSTRAINTS ALL IMMEDIATE`,
};

/** The tables that a rollback makes to save something; it is itself undone. */
async function tablesOfRollback(
  kysely: Kysely<Tables>,
  { version, rollbackSql }: Migration,
): Promise<Table[]> {
  const prepare = somethingToSave[version];
  if (prepare === undefined) return [];
  const before = await tableNames(kysely);
  const tx = await kysely.startTransaction().execute();
  try {
    await sql.raw(prepare).execute(tx);
    await sql.raw(rollbackSql).execute(tx);
    const { tables } = await readSchema(tx);
    return tables.filter(({ name }) => !before.includes(name));
  } finally {
    await tx.rollback().execute();
  }
}
