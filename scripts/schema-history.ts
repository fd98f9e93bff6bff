/** The migrations as SCHEMA.md lists them: what each is for, in its file's own words, and what it left in the catalogue. */
import type { Migration } from '../src/database/migrations/migration-files.ts';
import type { MigratedDatabase } from './migrated-database.ts';

export function describeMigrations({ migrations, steps }: MigratedDatabase): string[] {
  return [
    '| Version | File | What it is for | What it brings | Checksum begins |',
    '| --- | --- | --- | --- | --- |',
    ...migrations.map((migration) => {
      const { version, file, checksum } = migration;
      const brings = describeStep(steps[version] ?? {});
      return `| ${version} | [${file}](migrations/${file}) | ${purposeOf(migration)} | ${brings} | \`${checksum.slice(0, 12)}\` |`;
    }),
  ];
}

/** The first sentence of the file's opening comment, without the number that it begins with. */
function purposeOf({ sql, file }: Migration): string {
  const opening = /^(?:--.*\n)+/.exec(sql)?.[0] ?? '';
  const text = opening.replaceAll(/^-- ?/gm, '').replaceAll('\n', ' ');
  const sentence = /^Migration \d{3}: (.*?\.)(?:\s|$)/.exec(text)?.[1];
  if (sentence === undefined) throw new Error(`${file} does not open with "Migration NNN: what it is for."`);
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function describeStep(step: Readonly<Record<string, string | null>>): string {
  const added = Object.keys(step).filter((name) => step[name] !== null);
  const namesOf = (kind: string): string[] =>
    added.filter((name) => name.startsWith(`${kind} `)).map((name) => name.slice(kind.length + 1));
  const tables = namesOf('table');
  const isElsewhere = (name: string): boolean => !tables.some((table) => name.startsWith(`${table}.`));
  const counted = (kind: string, plural: string): string[] => {
    const count = namesOf(kind).filter(isElsewhere).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? kind : plural}`];
  };
  const gone = Object.values(step).filter((shape) => shape === null).length;
  const parts = [
    ...tables.map((table) => `\`${table}\``),
    ...counted('column', 'columns'),
    ...counted('index', 'indexes'),
    ...counted('constraint', 'constraints'),
    ...counted('trigger', 'triggers'),
    ...counted('function', 'functions'),
    ...(gone === 0 ? [] : [`${gone} facts fewer`]),
  ];
  return parts.length === 0 ? 'rows only' : parts.join(', ');
}
