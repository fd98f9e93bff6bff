/**
 * Whether a database is empty enough to be restored into: no table of Keyward holds what a migration did not put
 * there, and no row of another table hangs on one of them. Only reads.
 */
import { sql, type Kysely } from 'kysely';
import type { KnownMigrations } from '../database/migrations/assess.ts';
import { seededSlugs } from '../database/migrations/seeded-providers.ts';
import type { Tables } from '../database/tables.ts';
import { UsageError } from '../foundation/errors.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { archivedTables } from './archived-tables.ts';
import { keptByRollbacks, presentColumns } from './present-tables.ts';

/** The migrations put one row into each of them. */
const rowsOfMigrations: ReadonlySet<string> = new Set(['keyward_revision', 'keyward_installation']);

/** @throws UsageError with exit code 6 that names what is there */
export async function refuseUnlessEmpty(
  db: Kysely<Tables>,
  known: KnownMigrations,
  description: string,
): Promise<void> {
  const found = await whatIsThere(db, known);
  if (found.length === 0) return;
  throw new UsageError(
    `The database is not empty (${description}): ${found.join(', ')}. A restore replaces nothing, and changed nothing. Restore into an empty database.`,
    { exitCode: 6 },
  );
}

async function whatIsThere(db: Kysely<Tables>, known: KnownMigrations): Promise<string[]> {
  const present = await presentColumns(db);
  const found: string[] = [];
  for (const { table } of archivedTables) {
    if (!present.has(table) || rowsOfMigrations.has(table)) continue;
    const rows = table === 'llm_providers' ? await countOfOthers(db, known) : await countOf(db, table);
    if (rows > 0) found.push(`${rows} ${rows === 1 ? 'row' : 'rows'} in ${table}`);
  }
  found.push(...(await whatRefers(db)));
  for (const table of keptByRollbacks([...present.keys()])) found.push(`${table}, which a rollback kept`);
  if (present.get('keyward_instances')?.includes('encryption_key_ids') !== true) return found;
  const servers = await listLiveInstances(db);
  return [...found, ...servers.map(({ host, pid }) => `a running server (process ${pid} on ${host})`)];
}

/** The rows that migrations made are replaced, and what hangs on them would go with them or stand in the way. */
async function whatRefers(db: Kysely<Tables>): Promise<string[]> {
  const own = archivedTables.map(({ table }) => table);
  const { rows } = await sql<{ schema: string; table: string; to: string }>`
    SELECT DISTINCT n.nspname AS schema, t.relname AS table, r.relname AS to
      FROM pg_constraint c
      JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
      JOIN pg_class r ON r.oid = c.confrelid
     WHERE c.contype = 'f' AND r.relnamespace = current_schema()::regnamespace AND r.relname = ANY (${own})
       AND NOT (t.relnamespace = r.relnamespace AND t.relname = ANY (${own}))`.execute(db);
  const found: string[] = [];
  for (const { schema, table, to } of rows) {
    const { rows: counted } = await sql<{ rows: string }>`
      SELECT count(*) AS rows FROM ${sql.id(schema, table)}`.execute(db);
    const count = Number(counted[0]?.rows ?? 0);
    if (count > 0) found.push(`${count} ${count === 1 ? 'row' : 'rows'} in ${table}, which refers to ${to}`);
  }
  return found;
}

async function countOf(db: Kysely<Tables>, table: string): Promise<number> {
  const { rows } = await sql<{ rows: string }>`SELECT count(*) AS rows FROM ${sql.table(table)}`.execute(db);
  return Number(rows[0]?.rows ?? 0);
}

/** Providers that no migration made, or that somebody has touched since. */
async function countOfOthers(db: Kysely<Tables>, { migrations }: KnownMigrations): Promise<number> {
  const slugs = migrations.flatMap(seededSlugs);
  const { rows } = await sql<{ rows: string }>`
    SELECT count(*) AS rows FROM llm_providers AS p
     WHERE provider_slug <> ALL (${slugs}) OR updated_at <> created_at
        OR to_jsonb(p) ->> 'encrypted_api_key' <> '' OR to_jsonb(p) ->> 'api_key_source' <> 'environment'`.execute(
    db,
  );
  return Number(rows[0]?.rows ?? 0);
}
