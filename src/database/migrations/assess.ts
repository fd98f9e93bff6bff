/**
 * What state the database is in, migration by migration: from the ledger where there is one, and from the
 * shape of the tables in any case. Only reads.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { compareFacts, pendingValidations, readFacts, type Difference, type Facts } from './catalogue.ts';
import { factsOf, factsUpTo, laterShapes, tablesOf, type ExpectedCatalogue } from './expected-facts.ts';
import { readLedger, type LedgerRow } from './ledger.ts';
import type { Migration } from './migration-files.ts';
import { findRenamedTables, type RenamedTable } from './find-renamed-tables.ts';
import { compareKinds, kindsOf, obstacleIn } from './recognise-tables.ts';
import { refuseAmbiguousSchema } from './refuse-ambiguous-schema.ts';
import { areSeedsThere } from './seeded-providers.ts';

/**
 * applied: recorded, and the catalogue is as expected. pending: not recorded, nothing of it is there.
 * unrecorded: not recorded, all of it is there. partial: not recorded, some of it is there, or it is of
 * another shape. unfit: not recorded, and what is there cannot become it. drift: recorded, but the catalogue
 * or the file is not what it was. newer: recorded by a later Keyward, which this one does not know.
 */
type MigrationState = 'applied' | 'pending' | 'unrecorded' | 'partial' | 'unfit' | 'drift' | 'newer';

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
  /** Why the migration cannot be applied here, in sentences; null where nothing is in the way. */
  readonly obstacle: string | null;
  /** What an operator may want to know though nothing is wrong with it; sentences. */
  readonly remarks: readonly string[];
}

export interface KnownMigrations {
  readonly migrations: readonly Migration[];
  readonly expected: ExpectedCatalogue;
}

/** @throws MigrationFailure when the search path makes it unclear which tables are meant */
export async function assess(db: Kysely<Tables>, known: KnownMigrations): Promise<MigrationReport[]> {
  const { migrations, expected } = known;
  await refuseAmbiguousSchema(db);
  const ledger = await readLedger(db);
  const found = await readFacts(db, tablesOf(expected));
  const newest = [...ledger.keys()].toSorted().at(-1) ?? '';
  const inForce = factsUpTo(expected, newest);
  const reports = [];
  for (const migration of migrations) {
    const row = ledger.get(migration.version);
    const own = factsOf(expected, migration.version);
    reports.push(
      row === undefined
        ? await reportUnrecorded(db, migration, { own, found, catalogue: expected })
        : reportRecorded(migration, row, own, inForce, found),
    );
  }
  const unknown = [...ledger.values()].filter(
    (row) => !migrations.some(({ version }) => version === row.version),
  );
  return [...reports, ...unknown.map((row) => reportUnknown(row, known))].toSorted((a, b) =>
    a.version.localeCompare(b.version),
  );
}

/** Versions in the ledger that are beyond this program's, lowest first. */
export function newerVersions(
  ledger: ReadonlyMap<string, LedgerRow>,
  { migrations, expected }: KnownMigrations,
): string[] {
  const newest =
    [...migrations.map(({ version }) => version), ...Object.keys(expected)].toSorted().at(-1) ?? '';
  return [...ledger.keys()].filter((version) => version > newest).toSorted();
}

/** A row of the ledger without a file: of a version that is still to come, or of a file that is gone. */
function reportUnknown(row: LedgerRow, known: KnownMigrations): MigrationReport {
  const { version, name, adopted, appliedAt } = row;
  const file = `${version}_${name}.sql`;
  const isNewer = newerVersions(new Map([[version, row]]), known).length > 0;
  return {
    version,
    name,
    file,
    state: isNewer ? 'newer' : 'drift',
    adopted,
    appliedAt,
    fileChanged: false,
    differences: isNewer ? [] : [{ name: `file migrations/${file}`, expected: 'there', found: null }],
    obstacle: null,
    remarks: [],
  };
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
  const fileChanged = ![migration.checksum, ...migration.formerChecksums].includes(row.checksum);
  return {
    ...namesOf(migration),
    state: fileChanged || differences.length > 0 ? 'drift' : 'applied',
    adopted: row.adopted,
    appliedAt: row.appliedAt,
    fileChanged,
    differences,
    obstacle: null,
    remarks: remarksOn(wanted, found),
  };
}

async function reportUnrecorded(
  db: Kysely<Tables>,
  migration: Migration,
  { own, found, catalogue }: { own: Facts; found: Facts; catalogue: ExpectedCatalogue },
): Promise<MigrationReport> {
  // Only tables from before Keyward are adopted as they are; the rest is made to be exactly as it should be,
  // or as a later migration makes it, which somebody may have run by hand too.
  const differences = isForeign(migration)
    ? compareKinds(own, found)
    : compareFacts(own, found).filter(
        (one) => !laterShapes(catalogue, migration.version, one.name).includes(one.found),
      );
  // Tables and columns tell; a migration that brings none is known by what it brings, or by its rows.
  const telling = kindsOf(own).size > 0 ? kindsOf(own) : own;
  const isThere =
    own.size === 0
      ? await areSeedsThere(db, migration, found)
      : [...telling.keys()].some((name) => found.has(name));
  const obstacle = isForeign(migration) ? await obstacleTo(db, own, isThere ? differences : [], found) : null;
  return {
    ...namesOf(migration),
    state:
      obstacle !== null
        ? 'unfit'
        : !isThere
          ? 'pending'
          : differences.length === 0
            ? 'unrecorded'
            : 'partial',
    adopted: false,
    appliedAt: null,
    fileChanged: false,
    differences: isThere ? differences : [],
    obstacle,
    remarks: remarksOn(own, found),
  };
}

async function obstacleTo(
  db: Kysely<Tables>,
  own: Facts,
  differences: readonly Difference[],
  found: Facts,
): Promise<string | null> {
  const missing = [...own.keys()].flatMap((name) =>
    found.has(name) ? [] : (/^table (.*)$/.exec(name)?.[1] ?? []),
  );
  return obstacleIn(differences) ?? renamedObstacle(await findRenamedTables(db, own, missing));
}

function renamedObstacle(renamed: readonly RenamedTable[]): string | null {
  const [first] = renamed;
  if (first === undefined) return null;
  const said = renamed.map(({ table, like }) => `${table} looks like ${like}`).join(', ');
  return `This schema has tables that Keyward extends under other names: ${said}. Keyward, and the programs that share these tables, call them by their names. Nothing was changed. Give each its name, as in ALTER TABLE ${first.table} RENAME TO ${first.like}, or, if it is another program's, move it to another schema.`;
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
