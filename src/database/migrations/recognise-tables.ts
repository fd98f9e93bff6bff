/**
 * Whether tables that nobody's ledger explains are the ones that a migration makes. They are known by
 * their columns and what kind of value each holds: widths, defaults and names of constraints differ
 * from one installation in the field to the next.
 */
import { compareFacts, describeDifference, type Difference, type Facts } from './catalogue.ts';

/** Types that hold the same kind of value, and pass for each other. */
const kinds: readonly (readonly [type: RegExp, kind: string])[] = [
  [/^(smallint|integer|bigint)/, 'whole number'],
  [/^(text|character)/, 'text'],
  [/^numeric/, 'decimal number'],
  [/^timestamp/, 'timestamp'],
  [/^json/, 'JSON'],
];

/** Tables and columns only, each column as the kind of its values. */
export function kindsOf(facts: Facts): Facts {
  return new Map(
    [...facts]
      .filter(([name]) => name.startsWith('table ') || name.startsWith('column '))
      .map(([name, shape]) => [name, name.startsWith('table ') ? shape : kindOf(shape)]),
  );
}

function kindOf(shape: string): string {
  const known = kinds.find(([type]) => type.test(shape));
  return known?.[1] ?? shape.split(/ (?:not )?null/, 1)[0] ?? shape;
}

/** What is missing or of another kind; empty when the tables are recognised. */
export function compareKinds(expected: Facts, found: Facts): Difference[] {
  return compareFacts(kindsOf(expected), kindsOf(found));
}

/**
 * Why tables cannot become those that a migration makes, by the differences in kind: one that is there and lacks
 * columns, or holds others under their names, is not made right by a migration that only makes new tables.
 * @returns a sentence or more; null where nothing is in the way
 */
export function obstacleIn(differences: readonly Difference[]): string | null {
  const missingTables = new Set(
    differences
      .filter(({ name, found }) => name.startsWith('table ') && found === null)
      .map(({ name }) => name.slice('table '.length)),
  );
  const wrong = differences.filter(
    ({ name }) => name.startsWith('column ') && !missingTables.has(name.slice(7).split('.')[0] ?? ''),
  );
  if (wrong.length === 0) return null;
  const missing = wrong.filter(({ found }) => found === null).map(({ name }) => name.slice('column '.length));
  const other = wrong.filter(({ found }) => found !== null).map(describeDifference);
  const said = [...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]), ...other].join('; ');
  return `The tables in this database are of another kind than the ones that Keyward extends. ${said}. Nothing was changed. Use another database or schema, or bring the tables into that shape first.`;
}
