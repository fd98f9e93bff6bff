/** From the schemas of openapi.json to values: mostly such as fit, often such as do not, and now and then hostile ones. */
import fc from 'fast-check';
import type { Schema } from '../../src/admin-api/document/tidy-document.ts';

type Schemas = Readonly<Record<string, Schema>>;

/** Texts that have broken programs before. */
const hostileTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e',
  '\ufeff',
  "' OR '1'='1",
  '"; DROP TABLE llm_providers; --',
  '%',
  '%00',
  '%2e%2e%2f',
  '../../etc/passwd',
  '{{7*7}}',
  '${7*7}',
  '<script>alert(1)</script>',
  'a\r\nset-cookie: b=c',
  '__proto__',
  'constructor',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0x10',
  '1e999',
  '9999999999999999999999',
  'infinity',
  'true',
  'x'.repeat(5_000),
  '\u{1f511}'.repeat(100),
];

/** @param extra texts of the test's own that must come up: keys that it plants */
export function textArbitrary(extra: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: fc.constantFrom(...hostileTexts, ...extra), weight: 3 },
    { arbitrary: fc.string({ unit: 'binary', maxLength: 60 }), weight: 1 },
    { arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/), weight: 2 },
  );
}

export interface ArbitraryOptions {
  readonly schemas: Schemas;
  readonly text: fc.Arbitrary<string>;
  /** Values that fit for fields of these names, where the schema alone does not lead to any. */
  readonly named: Readonly<Record<string, fc.Arbitrary<unknown>>>;
}

/** A value for a place of this schema; about one in six does not fit. */
export function valueArbitrary(schema: Schema, options: ArbitraryOptions, name = ''): fc.Arbitrary<unknown> {
  const named = options.named[name];
  return fc.oneof(
    { arbitrary: named ?? fitting(schema, options), weight: 10 },
    { arbitrary: anything(options.text), weight: 2 },
  );
}

function anything(text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  return fc.oneof(
    text,
    fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, [], {}, [[]], { a: { b: 'c' } }),
    fc.array(text, { maxLength: 3 }),
  );
}

function fitting(schema: Schema, options: ArbitraryOptions): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    return fitting(options.schemas[schema.$ref.replace('#/components/schemas/', '')] ?? {}, options);
  }
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => fitting(one, options)));
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000 });
    case 'array':
      return fc.array(valueArbitrary(schema.items ?? {}, options), { maxLength: 4 });
    case 'object':
      return objectArbitrary(schema, options);
    default:
      return options.text;
  }
}

function objectArbitrary(schema: Schema, options: ArbitraryOptions): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, valueArbitrary(field, options, name)]),
  );
  const known = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  const more = typeof additionalProperties === 'object' ? additionalProperties : {};
  const unknown = fc.dictionary(options.text, valueArbitrary(more, options), { maxKeys: 2 });
  return fc.oneof(
    { arbitrary: known, weight: typeof additionalProperties === 'object' ? 1 : 10 },
    { arbitrary: fc.tuple(known, unknown).map(([a, b]) => ({ ...b, ...a })), weight: 1 },
    { arbitrary: fc.record(fields, { requiredKeys: [] }), weight: 1 },
  );
}
