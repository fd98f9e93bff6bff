/**
 * Every operation of openapi.json with values that fit, that do not, and that are hostile: no fault of the
 * server, no planted key in any answer or log line, and every answer as the document declares it.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeCursor } from '../../src/admin-api/pagination.ts';
import type { ApiDocument, Operation, Parameter } from '../../src/admin-api/document/tidy-document.ts';
import { knownProviders } from '../../src/providers/registry.ts';
import { atDepth } from '../support/depth.ts';
import { answerCheck } from '../support/answer-schema.ts';
import { startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { textArbitrary, valueArbitrary, type ArbitraryOptions } from '../support/schema-arbitrary.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';

const document = JSON.parse(
  readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'),
) as ApiDocument;

/** On both engines together. Fewer are for development only. */
const requestsInAll = Number(process.env['FUZZ_REQUESTS'] ?? atDepth({ usual: 8_000, thorough: 20_000 }));
/** The embedded engine takes several times as long for each. */
const shares = { embedded: 0.2, postgres: 0.8 };
const requestsAtOnce = 50;

/** Of known shapes, put anywhere; of no known shape, put where a key is asked for. */
const plantedAnywhere = [
  ['sk', 'or', 'v1', 'fa4e7c21'.repeat(8)].join('-'),
  ['gsk', 'Qw7x'.repeat(13)].join('_'),
  ['sk', 'ant', 'api03', `${'Zx9k'.repeat(23)}zAA`].join('-'),
];
const plantedAsKeys = [...plantedAnywhere, ['unknown', 'shape', 'k3y'.repeat(9)].join('.')];

/** It gets in though failed sign-ins slow its address down. */
const unguessableToken = randomBytes(32).toString('hex');

const slugs = [...knownProviders.map(({ slug }) => slug), 'our-llm', 'nobody'];

const text = textArbitrary(plantedAnywhere);

const options: ArbitraryOptions = {
  schemas: document.components.schemas ?? {},
  text,
  named: {
    slug: fc.constantFrom(...slugs),
    api_key: fc.constantFrom(...plantedAsKeys),
    skip_test: fc.constantFrom(true, true, true, false),
    // Whatever the row says, the environment leads to the stand-in.
    base_url: fc.constantFrom(null, 'https://llm.example.com/v1', 'http://127.0.0.1:9/v1', 'https://u:p@x/'),
    display_name: fc.constantFrom('One', 'Two', '\u{1f511}'),
    limit: fc.constantFrom('1', '5', '200'),
    cursor: fc.constantFrom(
      'WyJzbHVnIiwiZ3JvcSIsM10',
      'WyI1Il0',
      'e30',
      encodeCursor(['id', '1', 1]),
      encodeCursor(['-expires_at', '999999999999999999', 2_147_483_647]),
      encodeCursor(['name', "'", 0]),
      encodeCursor(['-started_at', '1', '00000000-0000-4000-8000-000000000000']),
    ),
    force: fc.constantFrom('true', 'false'),
    is_active: fc.boolean(),
    id: fc.constantFrom('open', 'open', '1', '2', '00000000-0000-4000-8000-000000000000'),
    'If-Match': fc.constantFrom('*', '"0"', '"1"', '99999999', 'W/"1"'),
    'Idempotency-Key': fc.stringMatching(/^[a-f]{1,2}$/),
  },
};

interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const inUrl = (value: unknown): string => encodeURIComponent(String(value).toWellFormed());
/** What Node lets a client send in a header. */
const inHeader = (value: unknown): string =>
  String(value).replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?');

function requestArbitrary(path: string, method: string, operation: Operation): fc.Arbitrary<FuzzRequest> {
  const { parameters = [], requestBody } = operation;
  const within = (place: Parameter['in']): fc.Arbitrary<Record<string, unknown>> => {
    const here = parameters.filter((parameter) => parameter.in === place);
    return fc.record(
      Object.fromEntries(here.map(({ name, schema }) => [name, valueArbitrary(schema, options, name)])),
      { requiredKeys: here.filter(({ required }) => required === true).map(({ name }) => name) },
    );
  };
  const unknownParameters = fc.oneof(
    { arbitrary: fc.constant({}), weight: 20 },
    { arbitrary: fc.dictionary(text, text, { maxKeys: 2 }), weight: 1 },
  );
  const schema = requestBody?.content['application/json']?.schema;
  const body =
    schema === undefined
      ? fc.constant(undefined)
      : fc.oneof(
          {
            arbitrary: valueArbitrary(schema, options).map((value) =>
              JSON.stringify(operation.operationId === 'setKeyManagement' ? awayFromProviders(value) : value),
            ),
            weight: 20,
          },
          { arbitrary: fc.constantFrom('', '{', 'null', '[]', '"x"', '{"__proto__":{}}'), weight: 1 },
          { arbitrary: text, weight: 1 },
        );
  const type = fc.oneof(
    { arbitrary: fc.constant('application/json'), weight: 30 },
    { arbitrary: fc.constantFrom('text/plain', 'application/json; charset=utf-8', 'x', ''), weight: 1 },
  );
  return fc
    .tuple(within('path'), within('query'), unknownParameters, within('header'), body, type)
    .map(([inPath, query, more, header, sent, contentType]) => ({
      method: method.toUpperCase(),
      path: addressOf(path, inPath, { ...more, ...query }),
      operation,
      headers: {
        authorization: `Bearer ${unguessableToken}`,
        ...(sent === undefined ? {} : { 'content-type': contentType }),
        ...Object.fromEntries(Object.entries(header).map(([name, value]) => [name, inHeader(value)])),
      },
      body: sent,
    }));
}

/** Where no address is given, keys are managed at the real provider, which must never hear of this. */
function awayFromProviders(body: unknown): unknown {
  return typeof body === 'object' && body !== null
    ? { base_url: 'https://llm.example.com/v1', ...body }
    : body;
}

/** The stand-in manages no keys, and nobody else is asked. */
function saysThatNobodyManages(status: number, said: string): boolean {
  return status === 502 && said.includes('"code":"management_failed"');
}

function addressOf(
  path: string,
  inPath: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, unknown>>,
): string {
  // An empty segment, or one of dots, is another address.
  const segment = (name: string): string => inUrl(inPath[name]).replace(/^\.*$/, 'dots');
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segment(name));
  const pairs = Object.entries(query).map(([name, value]) => `${inUrl(name)}=${inUrl(value)}`);
  return pairs.length === 0 ? filled : `${filled}?${pairs.join('&')}`;
}

/** What takes no values has little to find, and answers with much. */
const anyRequest = fc.oneof(
  ...Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      arbitrary: requestArbitrary(path, method, operation),
      weight: operation.security?.length === 0 ? 1 : 10,
    })),
  ),
);

const plantedForms = plantedAsKeys.flatMap((key) => [
  key,
  Buffer.from(key).toString('base64').replace(/=*$/, ''),
]);

function plantedIn(said: string): string | undefined {
  return plantedForms.find((form) => said.includes(form));
}

const leftovers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of leftovers.splice(0).toReversed()) await end();
});

async function target(engine: 'embedded' | 'postgres'): Promise<{ keyward: RunningKeyward; pool: Pool }> {
  const provider = await startStandInProvider({ slug: 'any', keys: plantedAsKeys.slice(0, 2) });
  leftovers.push(async () => provider.close());
  const addresses = slugs.map((slug) => [
    `${slug.toUpperCase().replaceAll('-', '_')}_BASE_URL`,
    provider.baseUrl,
  ]);
  const keyward = await startKeyward({
    engine,
    env: {
      ...(Object.fromEntries(addresses) as Record<string, string>),
      KEYWARD_ADMIN_TOKEN: unguessableToken,
    },
  });
  leftovers.push(async () => keyward.stop());
  const pool = new Pool(keyward.server.url, { connections: 16, pipelining: 1 });
  leftovers.push(async () => pool.close());
  return { keyward, pool };
}

/** A stream of events ends when its reader leaves. */
async function firstPart(body: AsyncIterable<Buffer>): Promise<string> {
  for await (const part of body) return part.toString();
  return '';
}

const total = { requests: 0, byStatus: new Map<number, number>(), operations: new Set<string>() };

describe.each(['embedded', 'postgres'] as const)('whatever is asked (%s)', (engine) => {
  test(
    'is answered as the document declares, without a fault of the server and without a planted key',
    { timeout: 600_000 },
    async () => {
      const { keyward, pool } = await target(engine);
      const check = answerCheck(document);
      const problemOf = async ({ operation, ...request }: FuzzRequest): Promise<string | null> => {
        const {
          statusCode: status,
          headers,
          body,
        } = await pool.request({
          ...request,
          body: request.body ?? null,
        });
        const contentType = String(headers['content-type'] ?? '');
        const said = contentType.startsWith('text/event-stream') ? await firstPart(body) : await body.text();
        total.requests += 1;
        total.operations.add(operation.operationId);
        total.byStatus.set(status, (total.byStatus.get(status) ?? 0) + 1);
        if (status >= 500 && !saysThatNobodyManages(status, said))
          return `a fault of the server, ${status}: ${said}`;
        const planted = plantedIn(said) ?? plantedIn(JSON.stringify(headers));
        if (planted !== undefined) return `the answer holds a planted key: ${said}`;
        return check(operation, { status, contentType, text: said });
      };
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyRequest, { minLength: requestsAtOnce, maxLength: requestsAtOnce }),
          async (requests) => {
            const problems = await Promise.all(
              requests.map(async (request) => {
                const problem = await problemOf(request);
                return problem === null
                  ? []
                  : [`${request.method} ${request.path} ${request.body ?? ''}: ${problem}`];
              }),
            );
            expect(problems.flat()).toEqual([]);
          },
        ),
        { numRuns: Math.ceil((requestsInAll * shares[engine]) / requestsAtOnce), endOnFailure: true },
      );
      expect(keyward.logLines.filter((line) => plantedIn(line) !== undefined)).toEqual([]);
      expect((await keyward.ready()).httpStatus).toBe(200);
    },
  );
});

afterAll(() => {
  const statuses = [...total.byStatus]
    .toSorted(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`);
  process.stdout.write(
    `fuzz: ${total.requests} requests to ${total.operations.size} operations (${statuses.join(', ')})\n`,
  );
});
