/**
 * Whether tables that nobody's ledger explains are the ones that a migration makes. They are known by
 * their columns and what kind of value each holds: widths, defaults and names of constraints differ
 * from one installation in the field to the next.
 */
import { compareFacts, type Difference, type Facts } from './catalogue.ts';

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
