/** A schema of the document as a list of fields with their types in words, as a person reads it. */
import type { Schema } from './tidy-document.ts';

export interface Field {
  /** Dotted from the root; `[]` stands for an entry of a list. */
  readonly path: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

const deepest = 5;

/** All fields under a schema, each before the ones inside it. */
export function fieldsOf(schema: Schema, schemas: Schemas, prefix = '', depth = 0): Field[] {
  const { properties = {}, required = [] } = objectIn(schema, schemas) ?? {};
  if (depth > deepest) return [];
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const whole = resolved(field, schemas);
    const item = itemsIn(whole, schemas);
    const own: Field = {
      path,
      type: typeOf(field, schemas),
      isRequired: required.includes(name),
      description: field.description ?? whole.description ?? '',
    };
    return item === undefined
      ? [own, ...fieldsOf(whole, schemas, path, depth + 1)]
      : [own, ...fieldsOf(item, schemas, `${path}[]`, depth + 1)];
  });
}

/** `integer, 1 to 200`; `database | environment`; `text or null`. */
export function typeOf(schema: Schema, schemas: Schemas): string {
  const whole = resolved(schema, schemas);
  const limits = [
    whole.minimum === undefined || whole.maximum === undefined
      ? ''
      : `, ${whole.minimum} to ${whole.maximum}`,
    whole.default === undefined ? '' : `, by default ${JSON.stringify(whole.default)}`,
  ].join('');
  return bareType(whole, schemas) + limits;
}

function bareType(schema: Schema, schemas: Schemas): string {
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((one) => bareType(resolved(one, schemas), schemas)))].join(' or ');
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  if (schema.type === 'array') return `list of ${bareType(resolved(schema.items ?? {}, schemas), schemas)}`;
  if (schema.format !== undefined) return schema.format;
  return schema.type === 'string' ? 'text' : String(schema.type ?? 'any');
}

function resolved(schema: Schema, schemas: Schemas): Schema {
  if (schema.$ref === undefined) return schema;
  return schemas[schema.$ref.replace('#/components/schemas/', '')] ?? {};
}

/** The object itself, or the one that may also be null. */
function objectIn(schema: Schema, schemas: Schemas): Schema | undefined {
  const whole = resolved(schema, schemas);
  if (whole.properties !== undefined) return whole;
  return whole.anyOf?.map((one) => resolved(one, schemas)).find(({ properties }) => properties !== undefined);
}

function itemsIn(schema: Schema, schemas: Schemas): Schema | undefined {
  const list = [schema, ...(schema.anyOf ?? [])].map((one) => resolved(one, schemas));
  return list.find(({ type }) => type === 'array')?.items;
}
