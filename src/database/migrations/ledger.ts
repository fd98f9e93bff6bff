/** The table keyward_migrations: which migrations were applied here, when, by whom and with which text. */
import { userInfo } from 'node:os';
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { MigrationFailure } from './migration-failure.ts';
import type { Migration } from './migration-files.ts';

export interface LedgerRow {
  readonly version: string;
  readonly name: string;
  readonly checksum: string;
  readonly appliedAt: Date;
  /** The tables were there already when the ledger began; the migration's SQL was not run. */
  readonly adopted: boolean;
}

export const ledgerTable = 'keyward_migrations';

const adoptedBy = 'adopted';

/**
 * Makes the table when it is not there. Call it under the lock of the runner, as two at once would collide,
 * and only to write to it: it needs the rights to do so.
 */
export async function createLedger(tx: Kysely<Tables>): Promise<void> {
  await sql
    .raw(`
      CREATE TABLE IF NOT EXISTS keyward_migrations (
        version     VARCHAR(20) PRIMARY KEY,
        name        VARCHAR(200) NOT NULL,
        checksum    CHAR(64) NOT NULL,
        applied_at  TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
        applied_by  VARCHAR(200) NOT NULL,
        duration_ms INTEGER NOT NULL
      );
      COMMENT ON TABLE keyward_migrations IS 'Which migrations were applied, and with which text. Written by the migration runner.';
      COMMENT ON COLUMN keyward_migrations.version IS 'Number of the migration.';
      COMMENT ON COLUMN keyward_migrations.name IS 'Name of its file without number and ending.';
      COMMENT ON COLUMN keyward_migrations.checksum IS 'SHA-256 of its normalised text, in hex.';
      COMMENT ON COLUMN keyward_migrations.applied_at IS 'When it was applied, UTC.';
      COMMENT ON COLUMN keyward_migrations.applied_by IS 'Operating-system user of the runner; adopted, where the tables were there before Keyward.';
      COMMENT ON COLUMN keyward_migrations.duration_ms IS 'How long it took, in milliseconds.';
    `)
    .execute(tx);
}

/**
 * By version; empty where there is no ledger.
 * @throws MigrationFailure when the role may not read it
 */
export async function readLedger(db: Kysely<Tables>): Promise<ReadonlyMap<string, LedgerRow>> {
  const { rows: access } = await sql<{ role: string; mayRead: boolean }>`
    SELECT quote_ident(current_user) AS role, has_table_privilege(oid, 'SELECT') AS "mayRead" FROM pg_class
     WHERE relname = ${ledgerTable} AND relkind IN ('r', 'p')
       AND relnamespace = current_schema()::regnamespace`.execute(db);
  const [ledger] = access;
  if (ledger === undefined) return new Map();
  if (!ledger.mayRead) {
    throw new MigrationFailure(
      `The role ${ledger.role} may not read the ledger, without which nothing can be said. Nothing was changed. To let it look, as the owner of the tables: GRANT SELECT ON ${ledgerTable} TO ${ledger.role}.`,
      'failed',
    );
  }
  const rows = await db
    .selectFrom(ledgerTable)
    .select(['version', 'name', 'checksum', 'applied_at', 'applied_by'])
    .execute();
  return new Map(
    rows.map(({ version, name, checksum, applied_at: appliedAt, applied_by: appliedBy }) => [
      version,
      { version, name, checksum, appliedAt, adopted: appliedBy === adoptedBy },
    ]),
  );
}

/** Writes the row of a migration, or replaces that of an earlier application. */
export async function recordMigration(
  tx: Kysely<Tables>,
  { version, name, checksum }: Migration,
  { adopted, durationMs }: { adopted: boolean; durationMs: number },
): Promise<void> {
  const row = { name, checksum, applied_by: adopted ? adoptedBy : userName(), duration_ms: durationMs };
  const appliedAt = sql<Date>`now() AT TIME ZONE 'UTC'`;
  await tx
    .insertInto('keyward_migrations')
    .values({ version, ...row })
    .onConflict((conflict) => conflict.column('version').doUpdateSet({ ...row, applied_at: appliedAt }))
    .execute();
}

export async function forgetMigration(tx: Kysely<Tables>, version: string): Promise<void> {
  await tx.deleteFrom('keyward_migrations').where('version', '=', version).execute();
}

/** In a container the number may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
