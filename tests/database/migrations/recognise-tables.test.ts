/** Tables are recognised by their columns and the kind of their values, not by names, widths or defaults. */
import { expect, it } from 'vitest';
import { compareKinds, kindsOf } from '../../../src/database/migrations/recognise-tables.ts';

const wanted = new Map([
  ['table llm_models', 'there'],
  ['column llm_models.id', "integer not null default nextval('llm_models_id_seq'::regclass)"],
  ['column llm_models.name', 'character varying(200) not null'],
  ['column llm_models.cost', 'numeric(10,6) null'],
  ['column llm_models.is_active', 'boolean null default true'],
  ['column llm_models.created_at', 'timestamp without time zone not null default CURRENT_TIMESTAMP'],
  ['index llm_models.llm_models_pkey', 'unique btree (id)'],
  ['comment on table llm_models', 'anything'],
]);

const changed = (name: string, shape: string | undefined): Map<string, string> => {
  const found = new Map(wanted);
  if (shape === undefined) found.delete(name);
  else found.set(name, shape);
  return found;
};

it('looks at tables and columns only', () => {
  expect([...kindsOf(wanted)]).toEqual([
    ['table llm_models', 'there'],
    ['column llm_models.id', 'whole number'],
    ['column llm_models.name', 'text'],
    ['column llm_models.cost', 'decimal number'],
    ['column llm_models.is_active', 'boolean'],
    ['column llm_models.created_at', 'timestamp'],
  ]);
});

it.each([
  ['a wider number', 'column llm_models.id', 'bigint not null'],
  ['an identity in the place of a serial', 'column llm_models.id', 'integer not null'],
  ['text without a length', 'column llm_models.name', 'text not null'],
  ['another length', 'column llm_models.name', 'character varying(255) null'],
  ['another precision', 'column llm_models.cost', 'numeric(12,8) null'],
  ['a timestamp with time zone', 'column llm_models.created_at', 'timestamp with time zone null'],
  ['another default', 'column llm_models.is_active', 'boolean not null default false'],
  ['no index', 'index llm_models.llm_models_pkey', undefined],
  ['no comment', 'comment on table llm_models', undefined],
  ['a further column', 'column llm_models.region', 'text null'],
])('%s is no difference', (_, name, shape) => {
  expect(compareKinds(wanted, changed(name, shape))).toEqual([]);
});

it.each([
  ['a UUID for a number', 'column llm_models.id', 'uuid not null', 'whole number', 'uuid'],
  ['a number for text', 'column llm_models.name', 'integer not null', 'text', 'whole number'],
  [
    'a number for a truth',
    'column llm_models.is_active',
    'integer null default 1',
    'boolean',
    'whole number',
  ],
  ['a missing column', 'column llm_models.cost', undefined, 'decimal number', null],
  ['a missing table', 'table llm_models', undefined, 'there', null],
])('%s is a difference', (_, name, shape, expected, found) => {
  expect(compareKinds(wanted, changed(name, shape))).toEqual([{ name, expected, found }]);
});
