/**
 * What state the database is in, migration by migration: from the ledger where there is one, and from the
 * shape of the tables in any case. Only reads.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { compareFacts, pendingValidations, readFacts, type Difference, type Facts } from './catalogue.ts';
import { factsOf, factsUpTo, laterShapes, tablesOf, type ExpectedCatalogue } from './expected-facts.ts';
import { readLedger, type LedgerRow } from './ledger.ts';
import { MigrationFailure } from './migration-failure.ts';
import type { Migration } from './migration-files.ts';
import { compareKinds, kindsOf } from './recognise-tables.ts';

/**
 * applied: recorded, and the catalogue is as expected. pending: not recorded, nothing of it is there.
 * unrecorded: not recorded, all of it is there. partial: not recorded, some of it is there, or it is of
 * another shape. drift: recorded, but the catalogue or the file is not what it was.
 */
type MigrationState = 'applied' | 'pending' | 'unrecorded' | 'partial' | 'drift';

export interface MigrationReport {
  readonly version: string;
  readonly name: string;
  readonly file: string;
  readonly state: MigrationState;
  readonly adopted: boolean;
  readonly appliedAt: Date | null;
  /** The file's text is not the one that was applied. */
  readonly fileChanged: boolean;
  readonly differences: readonly Difference[];
  /** What an operator may want to know though nothing is wrong with it; sentences. */
  readonly remarks: readonly string[];
}

export interface KnownMigrations {
  readonly migrations: readonly Migration[];
  readonly expected: ExpectedCatalogue;
}

/** @throws MigrationFailure when the search path makes it unclear which tables are meant */
export async function assess(
  db: Kysely<Tables>,
  { migrations, expected }: KnownMigrations,
): Promise<MigrationReport[]> {
  await refuseAmbiguousSchema(db);
  const ledger = await readLedger(db);
  const found = await readFacts(db, tablesOf(expected));
  const newest = [...ledger.keys()].toSorted().at(-1) ?? '';
  const inForce = factsUpTo(expected, newest);
  return migrations.map((migration) => {
    const row = ledger.get(migration.version);
    const own = factsOf(expected, migration.version);
    return row === undefined
      ? reportUnrecorded(migration, own, found, expected)
      : reportRecorded(migration, row, own, inForce, found);
  });
}

function reportRecorded(
  migration: Migration,
  row: LedgerRow,
  own: Facts,
  inForce: Facts,
  found: Facts,
): MigrationReport {
  // A later migration may have changed or removed what this one made: then the later shape is the right one.
  const names = [...own.keys()].filter((name) => inForce.has(name));
  const wanted = new Map(names.map((name) => [name, inForce.get(name) ?? '']));
  const differences = row.adopted ? compareKinds(wanted, found) : compareFacts(wanted, found);
  const fileChanged = row.checksum !== migration.checksum;
  return {
    ...namesOf(migration),
    state: fileChanged || differences.length > 0 ? 'drift' : 'applied',
    adopted: row.adopted,
    appliedAt: row.appliedAt,
    fileChanged,
    differences,
    remarks: remarksOn(wanted, found),
  };
}

function reportUnrecorded(
  migration: Migration,
  own: Facts,
  found: Facts,
  catalogue: ExpectedCatalogue,
): MigrationReport {
  // Only tables from before Keyward are adopted as they are; the rest is made to be exactly as it should be,
  // or as a later migration makes it, which somebody may have run by hand too.
  const differences = isForeign(migration)
    ? compareKinds(own, found)
    : compareFacts(own, found).filter(
        (one) => !laterShapes(catalogue, migration.version, one.name).includes(one.found),
      );
  // Tables and columns tell; a migration that brings none is known by what it brings.
  const telling = kindsOf(own).size > 0 ? kindsOf(own) : own;
  const isThere = [...telling.keys()].some((name) => found.has(name));
  return {
    ...namesOf(migration),
    state: !isThere ? 'pending' : differences.length === 0 ? 'unrecorded' : 'partial',
    adopted: false,
    appliedAt: null,
    fileChanged: false,
    differences: isThere ? differences : [],
    remarks: remarksOn(own, found),
  };
}

/** Rows from before a check may break it: it then stays NOT VALID, and guards what is written since. */
function remarksOn(wanted: Facts, found: Facts): string[] {
  return pendingValidations(wanted, found).map(
    (constraint) =>
      `${constraint} is NOT VALID: it guards what is written from now on, rows from before may break it. Once they are corrected, keyward migrate --force validates it`,
  );
}

/** Whether the migration's tables may be there before any runner was. */
export function isForeign({ version }: Pick<Migration, 'version'>): boolean {
  return version === '001';
}

function namesOf({ version, name, file }: Migration): Pick<MigrationReport, 'version' | 'name' | 'file'> {
  return { version, name, file };
}

async function refuseAmbiguousSchema(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`
    SELECT nspname AS schema FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relname = 'llm_providers' AND relkind IN ('r', 'p', 'v') AND nspname = ANY (current_schemas(false))
     ORDER BY array_position(current_schemas(false), nspname)`.execute(db);
  const schemas = rows.map(({ schema }) => schema);
  const current = await sql<{ schema: string | null }>`SELECT current_schema() AS schema`.execute(db);
  const own = current.rows[0]?.schema ?? null;
  if (own === null) {
    throw new MigrationFailure(
      'The search_path of this role names no schema that exists, so there is nowhere to put tables.',
      'failed',
    );
  }
  if (schemas.length === 0 || (schemas.length === 1 && schemas[0] === own)) return;
  throw new MigrationFailure(
    `The search_path leads to llm_providers in ${schemas.join(' and in ')}, and new tables go to ${own}: it is not clear which is meant. Set search_path to the one schema, for example with ?options=-csearch_path%3D${own} in DATABASE_URL. Nothing was changed.`,
    'failed',
  );
}
