/** The document made fit to be read: less noise, the same meaning. */
import { expect, it } from 'vitest';
import {
  tidyDocument,
  type ApiDocument,
  type Operation,
} from '../../../src/admin-api/document/tidy-document.ts';

function tidied(operation: Partial<Operation>, schemas: ApiDocument['components']['schemas'] = {}) {
  const tidy = tidyDocument({
    openapi: '3.1.0',
    info: { title: '', version: '', description: '' },
    paths: { '/a': { post: { operationId: 'a', summary: 'a', responses: {}, ...operation } } },
    components: { schemas },
  });
  return { operation: tidy.paths['/a']?.['post'], schemas: tidy.components.schemas };
}

const json = (schema: object) => ({ 'application/json': { schema } });

it('a body that may be null may be left out', () => {
  const body = { type: 'object', properties: { reason: { type: 'string' } } };
  const { operation } = tidied({
    requestBody: { required: true, content: json({ anyOf: [body, { type: 'null' }] }) },
  });
  expect(operation?.requestBody).toEqual({ content: json(body) });
});

it('a body that must be there stays so', () => {
  const requestBody = { required: true, content: json({ type: 'object' }) };
  expect(tidied({ requestBody }).operation?.requestBody).toEqual(requestBody);
});

it('bounds of JavaScript and patterns beside a format go, all other bounds stay', () => {
  const { operation } = tidied({
    responses: {
      200: {
        description: 'ok',
        content: json({
          description: 'ok',
          properties: {
            a: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: 5 },
            b: { type: 'string', format: 'uuid', pattern: '^x$' },
            c: { type: 'string', pattern: '^y$' },
          },
        }),
      },
    },
  });
  expect(operation?.responses['200']?.content).toEqual(
    json({
      properties: {
        a: { type: 'integer', maximum: 5 },
        b: { type: 'string', format: 'uuid' },
        c: { type: 'string', pattern: '^y$' },
      },
    }),
  );
});

it('schemas that nothing leads to go, those that others lead to stay', () => {
  const { schemas } = tidied(
    { responses: { 200: { description: 'ok', content: json({ $ref: '#/components/schemas/A' }) } } },
    {
      A: { properties: { b: { $ref: '#/components/schemas/B' } } },
      B: { type: 'string' },
      AInput: { type: 'string' },
    },
  );
  expect(Object.keys(schemas ?? {})).toEqual(['A', 'B']);
});

it('answers that name a time to wait, or repeat an earlier one, say so by their headers', () => {
  const { operation } = tidied({
    parameters: [{ name: 'idempotency-key', in: 'header', schema: { type: 'string' } }],
    responses: { 200: { description: 'ok' }, 409: { description: 'no' }, 429: { description: 'no' } },
  });
  expect(operation?.parameters?.[0]?.name).toBe('Idempotency-Key');
  expect(Object.keys(operation?.responses['200']?.headers ?? {})).toEqual(['idempotency-replayed']);
  expect(Object.keys(operation?.responses['409']?.headers ?? {})).toEqual(['retry-after']);
  expect(Object.keys(operation?.responses['429']?.headers ?? {})).toEqual(['retry-after']);
});
