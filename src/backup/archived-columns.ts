/** Which columns of a table an archive holds: those that the migrations up to its version make, without what the database makes itself. */
import { factsUpTo, type ExpectedCatalogue } from '../database/migrations/expected-facts.ts';
import { archivedTables } from './archived-tables.ts';

export interface TableColumns {
  readonly columns: readonly string[];
  /** Which the database makes of the others. */
  readonly generated: readonly string[];
  /** The column that a sequence numbers. */
  readonly numbered: string | null;
}

/** By table, in the order of the archive; tables that come with a later migration are not there. */
export function columnsUpTo(
  catalogue: ExpectedCatalogue,
  version: string,
): ReadonlyMap<string, TableColumns> {
  const shapes = new Map<string, [column: string, shape: string][]>();
  for (const [name, shape] of factsUpTo(catalogue, version)) {
    const [, table, column] = /^column (\w+)\.(\w+)$/.exec(name) ?? [];
    if (table === undefined || column === undefined) continue;
    shapes.set(table, [...(shapes.get(table) ?? []), [column, shape]]);
  }
  return new Map(
    archivedTables.flatMap(({ table }) => {
      const found = shapes.get(table);
      return found === undefined ? [] : [[table, columnsOf(found)] as const];
    }),
  );
}

function columnsOf(shapes: readonly (readonly [column: string, shape: string])[]): TableColumns {
  return {
    columns: shapes.flatMap(([column, shape]) => (isGenerated(shape) ? [] : [column])),
    generated: shapes.flatMap(([column, shape]) => (isGenerated(shape) ? [column] : [])),
    numbered: shapes.find(([, shape]) => shape.includes(' default nextval('))?.[0] ?? null,
  };
}

function isGenerated(shape: string): boolean {
  return shape.includes(' generated as ');
}
