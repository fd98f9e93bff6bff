/** What the catalogue holds after each migration, step by step; a later step changes or takes away what an earlier one made. */
import { describe, expect, it } from 'vitest';
import {
  altersTablesBuiltOn,
  catalogueStep,
  factsOf,
  factsUpTo,
  laterShapes,
  readExpectedCatalogue,
  tablesBuiltOn,
  tablesOf,
} from '../../../src/database/migrations/expected-facts.ts';
import { readMigrations } from '../../../src/database/migrations/migration-files.ts';

const catalogue = {
  '001': { 'table one': 'there', 'column one.id': 'integer not null', 'column one.old': 'text null' },
  '002': {
    'column one.id': 'bigint not null',
    'column one.new': 'text null',
    'index one.of_new': 'btree (new)',
  },
  '003': { 'column one.old': null, 'table two': 'there', 'column two.id': 'integer not null' },
};

it('a version has the facts that it adds or changes, not those that it takes away', () => {
  expect(Object.fromEntries(factsOf(catalogue, '003'))).toEqual({
    'table two': 'there',
    'column two.id': 'integer not null',
  });
  expect(factsOf(catalogue, '009').size).toBe(0);
});

it('up to a version, the last word on each fact counts', () => {
  expect(Object.fromEntries(factsUpTo(catalogue, '002'))).toEqual({
    'table one': 'there',
    'column one.id': 'bigint not null',
    'column one.old': 'text null',
    'column one.new': 'text null',
    'index one.of_new': 'btree (new)',
  });
  expect(factsUpTo(catalogue, '003').has('column one.old')).toBe(false);
  expect(factsUpTo(catalogue, '000').size).toBe(0);
});

it('a step holds what came, what changed and what went, and brings the one state to the other', () => {
  const before = factsUpTo(catalogue, '002');
  const after = factsUpTo(catalogue, '003');
  expect(catalogueStep(before, after)).toEqual(catalogue['003']);
  expect(catalogueStep(after, after)).toEqual({});
});

it('the tables are those that any migration makes; a migration builds on those that it finds', () => {
  expect(tablesOf(catalogue)).toEqual(['one', 'two']);
  expect(tablesBuiltOn(catalogue, '001')).toEqual([]);
  expect(tablesBuiltOn(catalogue, '002')).toEqual(['one']);
  expect(tablesBuiltOn(catalogue, '003')).toEqual(['one']);
});

it('a fact has the shapes that later migrations give it, and none of its own', () => {
  expect(laterShapes(catalogue, '001', 'column one.id')).toEqual(['bigint not null']);
  expect(laterShapes(catalogue, '002', 'column one.id')).toEqual([]);
  expect(laterShapes(catalogue, '001', 'column one.old')).toEqual([null]);
});

it('a migration alters a table that it finds by a column, a constraint, or another trigger in the place of one', () => {
  const first = { 'table one': 'there', 'trigger one.fired': 'BEFORE UPDATE' };
  const alters = (step: Record<string, string>): boolean =>
    altersTablesBuiltOn({ '001': first, '002': step }, '002');
  expect(alters({ 'column one.new': 'text null' })).toBe(true);
  expect(alters({ 'constraint one.new_check': 'CHECK (true)' })).toBe(true);
  expect(alters({ 'trigger one.fired': 'AFTER UPDATE' })).toBe(true);
  expect(alters({ 'trigger one.also_fired': 'AFTER UPDATE' })).toBe(false);
  expect(alters({ 'table two': 'there', 'column two.id': 'integer not null' })).toBe(false);
});

describe('the file that is shipped', () => {
  it('knows every migration that is shipped, and no other', () => {
    expect(Object.keys(readExpectedCatalogue())).toEqual(readMigrations().map(({ version }) => version));
  });

  it('says of 002 five columns, five comments and two indexes, all on llm_providers', () => {
    const shipped = readExpectedCatalogue();
    const names = [...factsOf(shipped, '002').keys()];
    expect(names.filter((name) => name.startsWith('column '))).toHaveLength(5);
    expect(names.filter((name) => name.startsWith('comment '))).toHaveLength(5);
    expect(names.filter((name) => name.startsWith('index '))).toHaveLength(2);
    expect(names).toHaveLength(12);
    expect(tablesBuiltOn(shipped, '002')).toEqual(['llm_providers']);
  });
});
