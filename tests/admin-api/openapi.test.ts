/** openapi.json: it is what the server serves, it leaves out nothing, and it holds no secrets. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiDocument, Operation } from '../../src/admin-api/document/tidy-document.ts';
import { errorCatalogue } from '../../src/foundation/errors.ts';
import { redactSecrets } from '../../src/providers/redact.ts';
import { callAdmin } from '../support/administered-keyward.ts';
import { startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
const document = JSON.parse(text) as ApiDocument;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);
const named = operations.map(({ name, operation }) => [name, operation] as const);

const codesOf = ({ responses }: Operation): string[] =>
  Object.values(responses).flatMap(({ description }) =>
    [...description.matchAll(/^`(\w+)`: /gm)].map(([, code = '']) => code),
  );

describe('openapi.json', () => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward();
  });
  afterAll(async () => keyward.stop());

  it('is what the server serves, to everybody: else run "npm run generate"', async () => {
    const served = await callAdmin(keyward.server.url, 'GET /api/openapi.json', { token: null });
    expect(served.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(`${served.text}\n`).toBe(text);
  });

  it.each(named)(
    '%s answers to what the document says of it, and to nobody without a token unless it is public',
    async (name, operation) => {
      const [method = '', path = ''] = name.split(' ');
      const address = path.replaceAll(/\{\w+\}/g, 'openrouter');
      const { status } = await callAdmin(keyward.server.url, `${method} ${address as '/'}`, { token: null });
      expect(Object.keys(operation.responses)).toContain(String(status));
      const isRefused = status === 401 && name !== 'POST /api/v1/admin/session';
      expect(isRefused).toBe(operation.security?.length !== 0);
    },
  );
});

describe('the document', () => {
  it('has the four addresses of the first design, and those of providers', () => {
    const names = operations.map(({ name }) => name);
    for (const name of [
      'POST /api/v1/admin/providers/{slug}/set-key',
      'DELETE /api/v1/admin/providers/{slug}/remove-key',
      'POST /api/v1/admin/providers/{slug}/test-key',
      'GET /api/v1/admin/providers/{slug}/key-status',
      'GET /api/v1/admin/providers',
      'POST /api/v1/admin/providers',
      'PATCH /api/v1/admin/providers/{slug}',
      'DELETE /api/v1/admin/providers/{slug}',
    ])
      expect(names).toContain(name);
  });

  it.each(named)('says of %s what it is for, whom it is for and how it can fail', (_name, operation) => {
    expect(operation.summary).not.toBe('');
    expect(operation.tags).toHaveLength(1);
    expect(document.tags?.map(({ name }) => name)).toContain(operation.tags?.[0]);
    const isPublic = operation.security?.length === 0;
    expect(operation['x-keyward-role'] === undefined).toBe(isPublic);
    for (const { description } of Object.values(operation.responses))
      expect(description).not.toBe('Default Response');
    const codes = codesOf(operation);
    expect(codes).toContain('internal_error');
    if (!isPublic) expect(codes).toContain('token_invalid');
    for (const code of codes) expect(Object.keys(errorCatalogue)).toContain(code);
  });

  it.each(named.filter(([, { requestBody }]) => requestBody !== undefined))(
    'lets no unknown field into the body of %s',
    (_name, operation) => {
      const schema = operation.requestBody?.content['application/json']?.schema;
      expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    },
  );

  it('says of every write which headers it takes, and that a viewer may not', () => {
    const writes = operations.filter(({ name }) => /^(?:POST|PATCH|DELETE) \S+\/providers/.test(name));
    expect(writes.length).toBeGreaterThan(6);
    for (const { name, operation } of writes) {
      expect([name, operation['x-keyward-role']]).toEqual([name, 'admin']);
      expect([name, codesOf(operation).includes('role_insufficient')]).toEqual([name, true]);
      const headers = new Set(
        operation.parameters?.filter((one) => one.in === 'header').map((one) => one.name),
      );
      expect([name, headers.has('Idempotency-Key')]).toEqual([name, true]);
      expect(codesOf(operation).includes('revision_mismatch')).toBe(headers.has('If-Match'));
    }
  });

  it('holds nothing that looks like a key', () => {
    expect(redactSecrets(text, [])).toBe(text);
  });
});
