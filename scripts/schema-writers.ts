/** Who writes which column, as the comments in the database say it: one row of SCHEMA.md for each writer of a table. */
import type { Column, Table } from './read-schema.ts';

/** What stands where neither a column's comment nor its table's says who writes it; a test looks for it. */
export const nobodySaid = 'by nobody knows whom';

export function describeWriters(tables: readonly Table[]): string[] {
  return [
    '| Table | Written | Columns |',
    '| --- | --- | --- |',
    ...tables.flatMap((table) =>
      [...columnsByWriter(table)].map(
        ([writer, columns]) => `| ${table.name} | ${writer} | ${describeColumns(columns, table)} |`,
      ),
    ),
  ];
}

function columnsByWriter({ comment, columns }: Table): ReadonlyMap<string, string[]> {
  const byWriter = new Map<string, string[]>();
  for (const column of columns) {
    const ownWriter = writerIn(column.comment);
    if (ownWriter === undefined ? isKeptByDefault(column) : keptByDatabase.has(ownWriter)) continue;
    const writer = ownWriter ?? writerIn(comment) ?? nobodySaid;
    byWriter.set(writer, [...(byWriter.get(writer) ?? []), column.name]);
  }
  return byWriter;
}

const keptByDatabase: ReadonlySet<string> = new Set(['by the database', 'by a trigger']);

function isKeptByDefault({ comment }: Column): boolean {
  return /; its default is /.test(comment ?? '');
}

function describeColumns(columns: readonly string[], table: Table): string {
  return columns.length === table.columns.length
    ? 'all'
    : columns.map((column) => `\`${column}\``).join(', ');
}

/** The clause of a comment that says who writes: `by administrators`, `with the key`, `when a key is set`. */
function writerIn(comment: string | null): string | undefined {
  const clauses = (comment ?? '').split(/(?:[.;]|,(?= \{))\s*/).map((clause) => clause.trim());
  for (const clause of clauses) {
    const written = /^(?:Written|Kept|Assigned) (.*)$/i.exec(clause)?.[1];
    if (written !== undefined) return written;
    if (clause === 'Each writes its own row') return 'by each instance, its own row';
  }
  return undefined;
}
