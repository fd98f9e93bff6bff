/** A schema as fields: each with its place and its type in words, inside lists, references and what may be null. */
import { expect, it } from 'vitest';
import { fieldsOf, typeOf } from '../../../src/admin-api/document/schema-fields.ts';
import type { Schema } from '../../../src/admin-api/document/tidy-document.ts';

const schemas: Readonly<Record<string, Schema>> = {
  Key: {
    type: 'object',
    description: 'A key.',
    properties: { mask: { type: ['string', 'null'] } },
    required: ['mask'],
  },
};
const reference: Schema = { $ref: '#/components/schemas/Key' };

it('fields stand before those inside them, with what is required', () => {
  const schema: Schema = {
    type: 'object',
    required: ['data'],
    properties: {
      data: { type: 'array', items: reference, description: 'All.' },
      key: { anyOf: [reference, { type: 'null' }] },
    },
  };
  expect(fieldsOf(schema, schemas)).toEqual([
    { path: 'data', type: 'list of object', isRequired: true, description: 'All.' },
    { path: 'data[].mask', type: 'string or null', isRequired: true, description: '' },
    { path: 'key', type: 'object or null', isRequired: false, description: '' },
    { path: 'key.mask', type: 'string or null', isRequired: true, description: '' },
  ]);
});

it.each<[Schema, string]>([
  [{ type: 'string' }, 'text'],
  [{ type: 'string', format: 'date-time' }, 'date-time'],
  [{ type: 'string', enum: ['a', 'b'] }, 'a | b'],
  [{ const: 'true' }, '"true"'],
  [{ type: 'integer', minimum: 1, maximum: 200, default: 50 }, 'integer, 1 to 200, by default 50'],
  [{ anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] }, 'a or null'],
  [{ type: 'array', items: { type: 'string' } }, 'list of text'],
  [reference, 'object'],
  [{}, 'any'],
])('%j is %s', (schema, words) => {
  expect(typeOf(schema, schemas)).toBe(words);
});

it('a schema that holds itself ends', () => {
  const endless = { Node: { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } } } };
  expect(fieldsOf({ $ref: '#/components/schemas/Node' }, endless).length).toBeLessThan(20);
});
