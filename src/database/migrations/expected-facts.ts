/**
 * What the catalogue holds after each migration, as migrations/expected-catalogue.json says it. That file
 * is made by applying the migrations to an empty database, and a check fails when it is stale.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from './catalogue.ts';
import { shippedDirectory } from './migration-files.ts';

/** By version: the facts that the migration adds or changes; null for one that it takes away. */
export type ExpectedCatalogue = Readonly<Record<string, Readonly<Record<string, string | null>>>>;

const expectedCatalogueFile = join(shippedDirectory, 'expected-catalogue.json');

export function readExpectedCatalogue(): ExpectedCatalogue {
  return JSON.parse(readFileSync(expectedCatalogueFile, 'utf8')) as ExpectedCatalogue;
}

/** The facts that a migration itself brings. */
export function factsOf(catalogue: ExpectedCatalogue, version: string): Facts {
  return new Map(
    Object.entries(catalogue[version] ?? {}).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** All facts that hold once every migration up to this version is applied. */
export function factsUpTo(catalogue: ExpectedCatalogue, version: string): Facts {
  const facts = new Map<string, string>();
  for (const step of Object.keys(catalogue)
    .filter((one) => one <= version)
    .toSorted()) {
    for (const [name, shape] of Object.entries(catalogue[step] ?? {})) {
      if (shape === null) facts.delete(name);
      else facts.set(name, shape);
    }
  }
  return facts;
}

/** What migrations after this version make of a fact, each its own shape; null where one takes it away. */
export function laterShapes(catalogue: ExpectedCatalogue, version: string, name: string): (string | null)[] {
  return Object.entries(catalogue)
    .filter(([later, step]) => later > version && name in step)
    .map(([, step]) => step[name] ?? null);
}

/** What changed between two states of the catalogue, as the file keeps it. */
export function catalogueStep(before: Facts, after: Facts): Record<string, string | null> {
  const gone = [...before.keys()].filter((name) => !after.has(name)).map((name) => [name, null] as const);
  const changed = [...after].filter(([name, shape]) => before.get(name) !== shape);
  return Object.fromEntries([...changed, ...gone].toSorted(([a], [b]) => a.localeCompare(b, 'en')));
}

/** Every table that any migration makes. */
export function tablesOf(catalogue: ExpectedCatalogue): string[] {
  const names = Object.values(catalogue).flatMap((step) => Object.keys(step));
  return [
    ...new Set(names.filter((name) => name.startsWith('table ')).map((name) => name.slice('table '.length))),
  ];
}

/** The tables that a migration makes. */
export function tablesMadeBy(catalogue: ExpectedCatalogue, version: string): string[] {
  const names = Object.keys(catalogue[version] ?? {});
  return tablesOf(catalogue).filter((table) => names.includes(`table ${table}`));
}

/** The tables that a migration finds and builds on: those that it does not make itself. */
export function tablesBuiltOn(catalogue: ExpectedCatalogue, version: string): string[] {
  const names = Object.keys(catalogue[version] ?? {});
  return tablesOf(catalogue).filter(
    (table) => !names.includes(`table ${table}`) && names.some((name) => name.includes(` ${table}.`)),
  );
}

/**
 * Whether a migration alters the tables that it finds, or only sets triggers on them: for the former
 * PostgreSQL wants each table to itself, also to replace a trigger that is there.
 */
export function altersTablesBuiltOn(catalogue: ExpectedCatalogue, version: string): boolean {
  const tables = tablesBuiltOn(catalogue, version);
  const earlier = Object.keys(catalogue).filter((one) => one < version);
  return Object.keys(catalogue[version] ?? {}).some(
    (name) =>
      tables.some((table) => name.includes(` ${table}.`)) &&
      (/^(?:column|constraint) /.test(name) || earlier.some((one) => name in (catalogue[one] ?? {}))),
  );
}
