/**
 * The page at /api/docs: the whole document as one HTML page, without scripts and without anything from
 * elsewhere. A reader finds for each operation what it takes, what it answers, and a command to paste.
 */
import { curlExample } from './curl-example.ts';
import { html, inline, Markup, prose } from './markup.ts';
import { fieldsOf, typeOf, type Field, type Schemas } from './schema-fields.ts';
import type { Answer, ApiDocument, Operation, Parameter } from './tidy-document.ts';

/** One operation with where it stands. */
interface Place {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

interface Group {
  readonly name: string;
  readonly description: string;
  readonly places: readonly Place[];
}

export function renderDocsPage(document: ApiDocument): string {
  const groups = groupsOf(document);
  const schemas = document.components.schemas ?? {};
  const { title, version, description } = document.info;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="stylesheet" href="/api/docs/style.css" />
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        <header>
          <h1>${title}</h1>
          <p>Version ${version} · <a href="/api/openapi.json">openapi.json</a></p>
        </header>
        <details class="contents-small">
          <summary>Contents</summary>
          ${contents(groups)}
        </details>
        <div class="columns">
          <aside class="contents-large" aria-label="Contents">${contents(groups)}</aside>
          <main id="content">
            <section id="introduction" aria-label="Introduction">${prose(description)}</section>
            ${groups.map((group) => groupSection(group, schemas))}
          </main>
        </div>
      </body>
    </html> `.html;
}

/** In the order of the tags; what has no known tag comes last. */
function groupsOf({ paths, tags = [] }: ApiDocument): Group[] {
  const places = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
  const used = new Set(places.map(({ operation }) => operation.tags?.[0] ?? 'other'));
  const names = [...new Set([...tags.map(({ name }) => name), ...used])];
  return names
    .map((name) => ({
      name,
      description: tags.find((tag) => tag.name === name)?.description ?? '',
      places: places.filter(({ operation }) => (operation.tags?.[0] ?? 'other') === name),
    }))
    .filter((group) => group.places.length > 0);
}

function contents(groups: readonly Group[]): Markup {
  return html`<nav aria-label="Operations">
    ${groups.map(
      ({ name, places }) =>
        html`<p><a href="#group-${name}">${name}</a></p>
          <ul>
            ${places.map(
              ({ method, operation }) =>
                html`<li>
                  <a href="#${operation.operationId}">${methodMark(method)} ${operation.operationId}</a>
                </li> `,
            )}
          </ul> `,
    )}
  </nav>`;
}

function methodMark(method: string): Markup {
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`;
}

function groupSection({ name, description, places }: Group, schemas: Schemas): Markup {
  return html`<section id="group-${name}" aria-labelledby="group-${name}-title">
    <h2 id="group-${name}-title">${name}</h2>
    ${prose(description)} ${places.map((place) => operationArticle(place, schemas))}
  </section> `;
}

function operationArticle(place: Place, schemas: Schemas): Markup {
  const { method, path, operation } = place;
  return html`<article id="${operation.operationId}" aria-labelledby="${operation.operationId}-title">
    <h3 id="${operation.operationId}-title"><a href="#${operation.operationId}">${operation.summary}</a></h3>
    <p class="address">${methodMark(method)} <code>${breakable(path)}</code></p>
    <p class="who">${whoMay(operation)}</p>
    ${prose(operation.description ?? '')} ${parameterList(operation.parameters ?? [], schemas)}
    ${bodyFields(operation, schemas)} ${answers(operation, schemas)}
    <h4>Example</h4>
    <pre tabindex="0"><code>${curlExample(place)}</code></pre>
  </article> `;
}

/** A long address may break after a slash. */
function breakable(path: string): Markup {
  return new Markup(html`${path}`.html.replaceAll('/', '/<wbr>'));
}

function whoMay(operation: Operation): string {
  if (operation.security?.length === 0) return 'For everybody, without a token.';
  return operation['x-keyward-role'] === 'viewer' ? 'For viewers and administrators.' : 'For administrators.';
}

function parameterList(parameters: readonly Parameter[], schemas: Schemas): Markup {
  return titledFields(
    'Parameters',
    parameters.map(({ name, in: where, required, description = '', schema }) => ({
      path: name,
      type: `${where}, ${typeOf(schema, schemas)}`,
      isRequired: required === true,
      description,
    })),
  );
}

function bodyFields({ requestBody }: Operation, schemas: Schemas): Markup {
  const media = Object.values(requestBody?.content ?? {})[0];
  if (requestBody === undefined || media === undefined) return html``;
  return titledFields(
    requestBody.required === true ? 'Body' : 'Body, which may be left out',
    fieldsOf(media.schema, schemas),
  );
}

function titledFields(title: string, fields: readonly Field[]): Markup {
  return fields.length === 0
    ? html``
    : html`<h4>${title}</h4>
        ${fieldList(fields)} `;
}

function fieldList(fields: readonly Field[]): Markup {
  return html`<dl>
    ${fields.map(
      ({ path, type, isRequired, description }) =>
        html`<dt><code>${path}</code> <span class="type">${type}${isRequired ? '' : ', optional'}</span></dt>
          <dd>${inline(description)}</dd> `,
    )}
  </dl>`;
}

function answers({ responses }: Operation, schemas: Schemas): Markup {
  const all = Object.entries(responses);
  const good = all.filter(([status]) => status < '400');
  const bad = all.filter(([status]) => status >= '400');
  return html`<h4>Answers</h4>
    ${good.map(([status, answer]) => goodAnswer(status, answer, schemas))}
    <details>
      <summary>Errors</summary>
      <dl>${bad.flatMap(([status, answer]) => errorLines(status, answer))}</dl>
    </details> `;
}

function goodAnswer(status: string, answer: Answer, schemas: Schemas): Markup {
  const media = Object.values(answer.content ?? {})[0];
  const fields = media === undefined ? [] : fieldsOf(media.schema, schemas);
  if (fields.length === 0) return html`<p><strong>${status}</strong> ${inline(answer.description)}</p> `;
  return html`<details>
    <summary><strong>${status}</strong> ${inline(answer.description)}</summary>
    ${fieldList(fields)}
  </details> `;
}

/** refusals.ts describes an answer by one line for each code. */
function errorLines(status: string, { description }: Answer): Markup[] {
  return description.split('\n').map((line) => {
    const [, code, meaning] = /^`(\w+)`: (.*)$/.exec(line) ?? [];
    return code === undefined
      ? html`<dt><strong>${status}</strong></dt>
          <dd>${inline(line)}</dd> `
      : html`<dt><strong>${status}</strong> <code>${code}</code></dt>
          <dd>${meaning ?? ''}</dd> `;
  });
}
