/**
 * Whether the role may do what a run is going to do, asked before anything is written: a run that fails at
 * another's table must not leave a ledger behind that the owner of the tables cannot write to.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { isForeign, type KnownMigrations } from './assess.ts';
import { tablesBuiltOn, tablesMadeBy } from './expected-facts.ts';
import { ledgerTable, readLedger } from './ledger.ts';
import { MigrationFailure } from './migration-failure.ts';

interface Owned {
  readonly table: string;
  readonly owner: string;
  readonly role: string;
  readonly isOurs: boolean;
}

/**
 * PostgreSQL lets only the owner of a table, or a member of that role, alter it; no grant does.
 * @throws MigrationFailure that names the tables and their owners
 */
export async function refuseWithoutRights(
  db: Kysely<Tables>,
  known: KnownMigrations,
  { to, force }: { readonly to?: string; readonly force: boolean },
): Promise<void> {
  const ledger = await readLedger(db);
  const runs = known.migrations.filter(({ version }) => {
    const row = ledger.get(version);
    return row === undefined ? to === undefined || version <= to : force && !row.adopted;
  });
  if (runs.length === 0) return;
  const tables = runs.flatMap((migration) => [
    ...tablesBuiltOn(known.expected, migration.version),
    // Tables from before Keyward may be adopted, which does not touch them.
    ...(isForeign(migration) ? [] : tablesMadeBy(known.expected, migration.version)),
  ]);
  const owned = await ownersOf(db, [...new Set([ledgerTable, 'llm_providers', ...tables])]);
  const others = owned.filter(({ isOurs }) => !isOurs);
  if (others.length === 0) return;
  throw new MigrationFailure(sentenceOf(others, owned), 'failed');
}

async function ownersOf(db: Kysely<Tables>, tables: readonly string[]): Promise<Owned[]> {
  const { rows } = await sql<Owned>`
    SELECT relname AS table, quote_ident(pg_get_userbyid(relowner)) AS owner, quote_ident(current_user) AS role,
           pg_has_role(current_user, relowner, 'USAGE') AS "isOurs"
      FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname = ANY (${tables}::text[])
     ORDER BY array_position(${tables}::text[], relname::text)`.execute(db);
  return rows;
}

function sentenceOf(others: readonly Owned[], owned: readonly Owned[]): string {
  const owners = [...new Set(others.map(({ owner }) => owner))];
  const whose = owners
    .map((owner) => {
      const tables = others.filter((one) => one.owner === owner).map(({ table }) => table);
      return `${tables.join(', ')} ${tables.length === 1 ? 'belongs' : 'belong'} to ${owner}`;
    })
    .join(', and ');
  const ownerOf = (name: string): string | undefined => owned.find(({ table }) => table === name)?.owner;
  const platform = ownerOf('llm_providers');
  const strayLedger = platform !== undefined && ![undefined, platform].includes(ownerOf(ledgerTable));
  const repair = strayLedger
    ? ` The ledger should belong to the same role as llm_providers; as a superuser: ALTER TABLE ${ledgerTable} OWNER TO ${platform}.`
    : '';
  return `The role ${others[0]?.role} may not alter these tables: ${whose}. Nothing was changed. Connect as the role that owns them, or make this one a member of it.${repair}`;
}
