/** Holds answers against openapi.json: that a route may give this status, and that the body is as it is declared. */
import { z } from 'zod';
import type { ApiDocument, Operation, Schema } from '../../src/admin-api/document/tidy-document.ts';

interface GivenAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Says what is wrong with an answer; null where nothing is. */
export type AnswerCheck = (operation: Operation, answer: GivenAnswer) => string | null;

export function answerCheck(document: ApiDocument): AnswerCheck {
  const compiled = new Map<string, z.ZodType>();
  const validatorOf = (operation: Operation, status: number, schema: Schema): z.ZodType => {
    const name = `${operation.operationId} ${status}`;
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const made = z.fromJSONSchema(
      withoutReferences(schema, document) as Parameters<typeof z.fromJSONSchema>[0],
    );
    compiled.set(name, made);
    return made;
  };
  return (operation, { status, contentType, text }) => {
    const declared = operation.responses[String(status)];
    if (declared === undefined) return `the status ${status} is not declared: ${text}`;
    const [type = ''] = contentType.split(';');
    const media = declared.content?.[type];
    if (media === undefined) return `${type} is not declared for ${status}`;
    if (type !== 'application/json') return null;
    const checked = validatorOf(operation, status, media.schema).safeParse(JSON.parse(text));
    return checked.success ? null : `${z.prettifyError(checked.error)} in ${text}`;
  };
}

/** None of the schemas refers to itself. */
function withoutReferences(value: unknown, document: ApiDocument): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutReferences(one, document));
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value && typeof value.$ref === 'string') {
    const name = value.$ref.replace('#/components/schemas/', '');
    return withoutReferences(document.components.schemas?.[name], document);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, withoutReferences(one, document)]),
  );
}
