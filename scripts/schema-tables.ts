/** How SCHEMA.md shows tables: one section each, with everything that the catalogue knows of it. */
import type { MigratedDatabase } from './migrated-database.ts';
import type { Column, Part, Schema, Table } from './read-schema.ts';

export function describeOverview({ schema, rollbackTables, ...migrated }: MigratedDatabase): string[] {
  const tables = [...schema.tables, ...rollbackTables];
  return [
    '| Table | Made by | What it holds |',
    '| --- | --- | --- |',
    ...tables.map(
      ({ name, comment }) =>
        `| [${name}](#${name}) | ${makerOf(name, migrated.steps) ?? rollbackThatMakes(name) ?? 'the runner'} | ${cell(comment ?? '')} |`,
    ),
  ];
}

export function describeTable(table: Table, { steps }: Pick<MigratedDatabase, 'steps'>): string[] {
  const { name, comment, columns, indexes, constraints, triggers, referredToBy } = table;
  const maker = makerOf(name, steps);
  return [
    `### ${name}`,
    '',
    comment ?? '',
    '',
    '| Column | Type | Null | Default | Since | What it holds |',
    '| --- | --- | --- | --- | --- | --- |',
    ...columns.map((column) => describeColumn(column, sinceOf(name, column.name, steps) ?? maker ?? '')),
    ...describeParts('Constraints', constraints),
    ...describeParts('Indexes', indexes),
    ...describeParts('Triggers', triggers),
    ...(referredToBy.length === 0
      ? []
      : ['', `Referred to by ${referredToBy.map((one) => `\`${one}\``).join(', ')}.`]),
    '',
  ];
}

export function describeFunctions({ functions }: Schema): string[] {
  return [
    '| Function | What it does |',
    '| --- | --- |',
    ...functions.map(({ name, comment }) => `| \`${name}()\` | ${cell(comment ?? '')} |`),
  ];
}

function describeColumn(
  { name, type, isNullable, defaultText, isGenerated, comment }: Column,
  since: string,
): string {
  const shownDefault =
    defaultText === null ? '' : `${isGenerated ? 'generated: ' : ''}\`${cell(withoutCasts(defaultText))}\``;
  const cells = [`\`${name}\``, shortType(type), isNullable ? 'yes' : 'no', shownDefault, since];
  return `| ${cells.join(' | ')} | ${cell(comment ?? '')} |`;
}

function describeParts(title: string, parts: readonly Part[]): string[] {
  if (parts.length === 0) return [];
  return [
    '',
    `${title}:`,
    '',
    ...parts.map(({ name, definition }) => `- \`${name}\`: \`${withoutCasts(definition)}\``),
  ];
}

/** Such a table bears the number of its migration. */
function rollbackThatMakes(table: string): string | undefined {
  const version = /_backup_(\d{3})$/.exec(table)?.[1];
  return version === undefined ? undefined : `rollback of ${version}`;
}

/** The migration that made a table; undefined for what the runner makes by itself. */
function makerOf(table: string, steps: MigratedDatabase['steps']): string | undefined {
  return versionsWith(`table ${table}`, steps).at(0);
}

/** The migration that added a column; undefined for what the runner makes by itself. */
function sinceOf(table: string, column: string, steps: MigratedDatabase['steps']): string | undefined {
  return versionsWith(`column ${table}.${column}`, steps).at(0);
}

function versionsWith(fact: string, steps: MigratedDatabase['steps']): string[] {
  return Object.keys(steps)
    .filter((version) => fact in (steps[version] ?? {}))
    .toSorted((a, b) => a.localeCompare(b, 'en'));
}

const shortNames: readonly (readonly [long: RegExp, short: string])[] = [
  [/^character varying/, 'VARCHAR'],
  [/^character/, 'CHAR'],
  [/^timestamp without time zone/, 'TIMESTAMP'],
  [/^timestamp with time zone/, 'TIMESTAMPTZ'],
  [/^numeric/, 'DECIMAL'],
];

/** As the migrations and the people who write SQL call it. */
function shortType(type: string): string {
  for (const [long, short] of shortNames) if (long.test(type)) return type.replace(long, short);
  return type.toUpperCase();
}

/** PostgreSQL writes down every cast that it made by itself; those of literals and columns only hide the rest. */
function withoutCasts(text: string): string {
  return text.replaceAll(/(?<=['\]\w])::(?:character varying|bpchar|text|regclass|jsonb)(?:\[\])?/g, '');
}

/** Text as a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
