/** The command of an operation: what a shell makes of it is the request that is meant. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { curlExample } from '../../../src/admin-api/document/curl-example.ts';
import type { Operation } from '../../../src/admin-api/document/tidy-document.ts';

const operation: Operation = {
  operationId: 'a',
  summary: 'a',
  parameters: [{ name: 'slug', in: 'path', schema: { type: 'string' }, example: 'our llm' }],
  requestBody: {
    content: { 'application/json': { schema: {}, example: { reason: `it's "done"`, more: ['$HOME'] } } },
  },
  responses: {},
};

it('quotes the body for the shell, and takes the token from its variables', () => {
  const command = curlExample({ method: 'PATCH', path: '/a/{slug}', operation });
  const script = `curl() { printf '%s\\n' "$@"; }; ${command}`;
  const words = execFileSync('/bin/sh', ['-c', script], {
    env: { KEYWARD: 'http://k', KEYWARD_ADMIN_TOKEN: 'T' },
    encoding: 'utf8',
  })
    .trimEnd()
    .split('\n');
  expect(words.slice(0, 7)).toEqual([
    '-X',
    'PATCH',
    'http://k/a/our%20llm',
    '-H',
    'Authorization: Bearer T',
    '-H',
    'Content-Type: application/json',
  ]);
  expect(words[7]).toBe('-d');
  expect(JSON.parse(words[8] ?? '')).toEqual({ reason: `it's "done"`, more: ['$HOME'] });
});

it('of a public operation without a body is the address alone', () => {
  const { requestBody: _body, ...rest } = operation;
  expect(
    curlExample({
      method: 'GET',
      path: '/health/live',
      operation: { ...rest, security: [], parameters: [] },
    }),
  ).toBe('curl "$KEYWARD/health/live"');
});
