/**
 * Makes the generated document fit to be read: what a generator writes for machines only goes, and what it
 * cannot know is added. It changes no meaning.
 */
import { headerTitle } from '../shown-name.ts';

/** JSON Schema 2020-12, as far as it is looked at here. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly additionalProperties?: boolean | Schema;
  readonly $ref?: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: unknown;
}

interface MediaType {
  readonly schema: Schema;
  readonly example?: unknown;
}

interface Body {
  readonly required?: boolean;
  readonly content: Readonly<Record<string, MediaType>>;
}

export interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Answer>>;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly 'x-keyward-role'?: 'viewer' | 'admin';
}

export interface ApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags?: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas?: Readonly<Record<string, Schema>> };
}

export function tidyDocument(document: ApiDocument): ApiDocument {
  const paths = Object.fromEntries(
    Object.entries(document.paths).map(([path, operations]) => [
      path,
      Object.fromEntries(Object.entries(operations).map(([method, one]) => [method, completed(one)])),
    ]),
  );
  return withoutUnused(withoutNoise({ ...document, paths }) as ApiDocument);
}

function completed(operation: Operation): Operation {
  const { requestBody, parameters } = operation;
  const responses = Object.fromEntries(
    Object.entries(operation.responses).map(([status, answer]) => [
      status,
      withHeaders(operation, status, answer),
    ]),
  );
  return {
    ...operation,
    ...(requestBody === undefined ? {} : { requestBody: optionalBody(requestBody) }),
    ...(parameters === undefined ? {} : { parameters: parameters.map((one) => named(one)) }),
    responses,
  };
}

/** Header names are looked up in lower case and written as people know them. */
function named(parameter: Parameter): Parameter {
  return parameter.in === 'header' ? { ...parameter, name: headerTitle(parameter.name) } : parameter;
}

/** A body that may be left out is null to the validator. */
function optionalBody(body: Body): Body {
  const [type = '', media] = Object.entries(body.content)[0] ?? [];
  const { anyOf, ...rest } = media?.schema ?? {};
  const without = anyOf?.filter(({ type }) => type !== 'null') ?? [];
  if (media === undefined || anyOf === undefined || without.length === anyOf.length) return body;
  const schema = without.length === 1 ? { ...rest, ...without[0] } : { ...rest, anyOf: without };
  return { required: false, content: { [type]: { ...media, schema } } };
}

function withHeaders(operation: Operation, status: string, answer: Answer): Answer {
  const takesKey =
    operation.parameters?.some(({ name }) => name.toLowerCase() === 'idempotency-key') === true;
  const headers = {
    ...answer.headers,
    ...(status === '429' || (status === '409' && takesKey) ? { 'retry-after': retryAfter } : {}),
    ...(takesKey && status.startsWith('2') ? { 'idempotency-replayed': replayed } : {}),
  };
  const content = Object.fromEntries(
    Object.entries(answer.content ?? {}).map(([type, media]) => [type, withoutRepetition(answer, media)]),
  );
  return {
    description: answer.description,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(answer.content === undefined ? {} : { content }),
  };
}

/** The schema of an answer says once more what the answer says. */
function withoutRepetition(answer: Answer, media: MediaType): MediaType {
  const { description, ...schema } = media.schema;
  return description === answer.description ? { ...media, schema } : media;
}

const retryAfter = {
  description: 'When to try again, in seconds.',
  schema: { type: 'integer' },
};
const replayed = {
  description: '`true`: this is the answer to the first request with this Idempotency-Key.',
  schema: { type: 'string', const: 'true' },
};

/** Bounds of JavaScript's numbers, patterns beside a format that says the same, names that may be any text. */
function withoutNoise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutNoise(one));
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name, one]) => !isNoise(name, one, fields))
      .map(([name, one]) => [name, withoutNoise(one)]),
  );
}

function isNoise(name: string, value: unknown, among: Readonly<Record<string, unknown>>): boolean {
  if (name === 'minimum') return value === Number.MIN_SAFE_INTEGER;
  if (name === 'maximum') return value === Number.MAX_SAFE_INTEGER;
  if (name === 'pattern') return typeof among['format'] === 'string';
  if (name === 'required') return value === false;
  if (name === 'additionalProperties') return JSON.stringify(value) === '{}';
  return name === 'propertyNames' && JSON.stringify(value) === '{"type":"string"}';
}

/** Each schema is generated as input and as output; most are only one of them. */
function withoutUnused(document: ApiDocument): ApiDocument {
  const { schemas = {}, ...components } = document.components;
  const used = new Set<string>();
  const look = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      look(schemas[name] ?? null);
    }
  };
  look(document.paths);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...components, schemas: kept } };
}
