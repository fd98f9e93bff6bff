/** A command to paste for one operation of the document; secrets come from the shell's variables. */
import type { Operation, Parameter } from './tidy-document.ts';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function curlExample({ method, path, operation }: Call): string {
  const { parameters = [], requestBody, security } = operation;
  const media = Object.values(requestBody?.content ?? {})[0];
  const example = media?.example ?? exampleIn(media?.schema);
  const address = parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((filled, parameter) => filled.replace(`{${parameter.name}}`, exampleOf(parameter)), path);
  return [
    `curl ${method === 'GET' ? '' : `-X ${method} `}"$KEYWARD${address}"`,
    ...(security?.length === 0 ? [] : ['-H "Authorization: Bearer $KEYWARD_ADMIN_TOKEN"']),
    ...(example === undefined
      ? []
      : [
          '-H "Content-Type: application/json"',
          `-d ${quoted(JSON.stringify(example, null, 1).replaceAll(/\n\s*/g, ' '))}`,
        ]),
  ].join(' \\\n  ');
}

function exampleOf({ example, name, schema }: Parameter): string {
  const value = example ?? exampleIn(schema) ?? name;
  return encodeURIComponent(typeof value === 'string' || typeof value === 'number' ? String(value) : name);
}

function exampleIn(schema: object | undefined): unknown {
  return schema !== undefined && 'examples' in schema && Array.isArray(schema.examples)
    ? schema.examples[0]
    : undefined;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
