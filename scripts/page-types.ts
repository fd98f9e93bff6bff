/**
 * The types of the admin API for the page, from openapi.json, in the shape that openapi-fetch reads. Written
 * here because the well-known generator needs the compiler interface of TypeScript 5; see decision 11.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = Record<string, Json>;

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** @param document openapi.json, version 3.1 */
export function pageTypes(document: unknown): string {
  const { paths, components } = document as { paths: Fields; components: { schemas: Fields } };
  const operations = Object.entries(paths).map(
    ([path, item]) => `  ${quote(path)}: {\n${methodsOf(item as Fields)}  };\n`,
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `    ${quote(name)}: ${typeOf(schema as Fields)};\n`,
  );
  return [
    '/** The admin API, generated from openapi.json by `npm run generate`; not to be changed by hand. */\n\n',
    `export interface paths {\n${operations.join('')}}\n\n`,
    `export interface components {\n  schemas: {\n${schemas.join('')}  };\n}\n`,
  ].join('');
}

function methodsOf(item: Fields): string {
  return methods
    .filter((method) => item[method] !== undefined)
    .map((method) => `    ${method}: ${operationOf(item[method] as Fields)};\n`)
    .join('');
}

/** Every error has this one shape. */
const failure = "default: { content: { 'application/json': components['schemas']['Error'] } }";

function operationOf(operation: Fields): string {
  const parameters = (operation['parameters'] ?? []) as Fields[];
  const body = (operation['requestBody'] as Fields | undefined)?.['content'] as Fields | undefined;
  const responses = Object.entries(operation['responses'] as Fields)
    .filter(([status]) => Number(status) < 400)
    .map(([status, response]) => `${status}: { content: ${contentOf((response as Fields)['content'])} }`);
  const isBodyRequired = (operation['requestBody'] as Fields | undefined)?.['required'] === true;
  return `{ parameters: { ${['query', 'path', 'header'].map((place) => parametersIn(place, parameters)).join(' ')} }; ${
    body === undefined
      ? 'requestBody?: never;'
      : `requestBody${isBodyRequired ? '' : '?'}: { content: ${contentOf(body)} };`
  } responses: { ${[...responses, failure].join('; ')} } }`;
}

function parametersIn(place: string, parameters: Fields[]): string {
  const fields = parameters.filter((parameter) => parameter['in'] === place);
  if (fields.length === 0) return `${place}?: never;`;
  const isNeeded = fields.some(({ required }) => required === true);
  const types = fields.map(
    ({ name, required, schema }) =>
      `${quote(name as string)}${required === true ? '' : '?'}: ${typeOf(schema as Fields)}${required === true ? '' : ' | undefined'}`,
  );
  return `${place}${isNeeded ? '' : '?'}: { ${types.join('; ')} };`;
}

function contentOf(content: Json | undefined): string {
  const media = Object.entries((content ?? {}) as Fields);
  if (media.length === 0) return 'never';
  return `{ ${media.map(([type, one]) => `${quote(type)}: ${typeOf((one as Fields)['schema'] as Fields)}`).join('; ')} }`;
}

function typeOf(schema: Fields): string {
  const reference = schema['$ref'] as string | undefined;
  if (reference !== undefined) return `components['schemas'][${quote(reference.split('/').at(-1) ?? '')}]`;
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  if (schema['enum'] !== undefined)
    return union((schema['enum'] as Json[]).map((one) => JSON.stringify(one)));
  for (const either of ['anyOf', 'oneOf'])
    if (schema[either] !== undefined) return union((schema[either] as Fields[]).map(typeOf));
  if (schema['allOf'] !== undefined)
    return (schema['allOf'] as Fields[]).map((one) => `(${typeOf(one)})`).join(' & ');
  const { type } = schema;
  if (Array.isArray(type)) return union(type.map((one) => typeOf({ ...schema, type: one })));
  switch (type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return `Array<${typeOf((schema['items'] ?? {}) as Fields)}>`;
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    default:
      return 'unknown';
  }
}

function objectOf(schema: Fields): string {
  const required = new Set((schema['required'] ?? []) as string[]);
  const fields = Object.entries((schema['properties'] ?? {}) as Record<string, Fields>).map(
    ([name, field]) =>
      `${describe(field)}${quote(name)}${required.has(name) ? '' : '?'}: ${typeOf(field)}${required.has(name) ? '' : ' | undefined'}`,
  );
  const others = schema['additionalProperties'];
  if (fields.length > 0) return `{ ${fields.join('; ')} }`;
  return typeof others === 'object'
    ? `Record<string, ${typeOf(others as Fields)}>`
    : 'Record<string, unknown>';
}

function describe({ description }: Fields): string {
  return typeof description === 'string' ? `\n/** ${description.replaceAll('*/', '* /')} */\n` : '';
}

function union(types: string[]): string {
  return `(${[...new Set(types)].join(' | ')})`;
}

const quote = (text: string): string => JSON.stringify(text);
