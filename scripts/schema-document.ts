/**
 * SCHEMA.md: the prose of docs/schema-prose.md with what the migrated database says of itself at its
 * `{{places}}`. The SQL of its example is run here, so the rows that a `{{result}}` shows are real.
 */
import { readFileSync } from 'node:fs';
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../src/database/tables.ts';
import { sqlStatements } from './markdown-sql.ts';
import type { MigratedDatabase } from './migrated-database.ts';
import { describeMigrations } from './schema-history.ts';
import { describeFunctions, describeOverview, describeTable } from './schema-tables.ts';
import { describeWriters } from './schema-writers.ts';

const proseFile = new URL('../docs/schema-prose.md', import.meta.url);
const exampleHeading = '## Example data';

export async function schemaDocument(notice: string, migrated: MigratedDatabase): Promise<string> {
  const { kysely, schema, rollbackTables } = migrated;
  const tables = [...schema.tables, ...rollbackTables];
  const places: Readonly<Record<string, readonly string[]>> = {
    '{{overview}}': describeOverview(migrated),
    '{{tables}}': tables.flatMap((table) => describeTable(table, migrated)),
    '{{functions}}': describeFunctions(schema),
    '{{writers}}': describeWriters(tables),
    '{{migrations}}': describeMigrations(migrated),
  };
  // Without the line that tells the prose's own readers what it is.
  const prose = readFileSync(proseFile, 'utf8').replace(/^<!--.*-->\n/, '');
  for (const place of Object.keys(places)) {
    if (!prose.includes(`\n${place}\n`)) throw new Error(`docs/schema-prose.md has no ${place}`);
  }
  const lines: string[] = [];
  let ranUpTo = 0;
  for (const section of prose.split(/^(?=\{\{.*\}\}$)/m)) {
    const [first = '', ...rest] = section.split('\n');
    if (first === '{{result}}') {
      const since = lines.slice(Math.max(ranUpTo, lines.indexOf(exampleHeading)));
      lines.push(...(await resultOf(kysely, since)));
      ranUpTo = lines.length;
    } else {
      lines.push(...(first.startsWith('{{') ? textAt(first, places) : [first]));
    }
    lines.push(...rest);
    // The line break that the next place stands behind.
    if (lines.at(-1) === '') lines.pop();
  }
  return `${notice}\n${lines.join('\n')}\n`;
}

function textAt(place: string, places: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const text = places[place];
  if (text === undefined)
    throw new Error(`docs/schema-prose.md asks for ${place}, and there is no such text`);
  return text;
}

/** Runs the SQL of the example that stands since the heading or the last result, and shows the last rows. */
async function resultOf(kysely: Kysely<Tables>, since: readonly string[]): Promise<string[]> {
  let rows: readonly Record<string, unknown>[] = [];
  for (const statement of sqlStatements(since.join('\n'))) {
    ({ rows } = await sql.raw<Record<string, unknown>>(statement).execute(kysely));
  }
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) throw new Error('docs/schema-prose.md has a {{result}} of nothing');
  const cells = rows.map((row) => `| ${names.map((name) => showValue(row[name])).join(' | ')} |`);
  return [`| ${names.join(' | ')} |`, `|${' --- |'.repeat(names.length)}`, ...cells];
}

function showValue(value: unknown): string {
  return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
