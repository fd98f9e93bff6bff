/** The documents that are made from the code: which there are, and the text that each must have now. */
import { errorCatalogue } from '../src/foundation/errors.ts';
import { settings, type Setting } from '../src/foundation/settings.ts';
import { accessDocument, expectedRow } from './access-document.ts';
import { adminRoutes } from './admin-routes.ts';
import { withMigratedDatabase } from './migrated-database.ts';
import { pageTypes } from './page-types.ts';
import { schemaDocument } from './schema-document.ts';
import { servedDocument } from './served-document.ts';
import { verdictsDocument } from './verdicts-document.ts';

export interface GeneratedDocument {
  readonly path: string;
  readonly text: string;
}

export const generatedNotice = '<!-- Made by "npm run generate". Do not edit. -->';

/** One by one: the server that the later ones are read from starts on the catalogue that comes first. */
export async function* generatedDocuments(): AsyncGenerator<GeneratedDocument> {
  yield* await withMigratedDatabase(async (migrated) => [
    { path: 'migrations/expected-catalogue.json', text: `${JSON.stringify(migrated.steps, null, 2)}\n` },
    { path: 'SCHEMA.md', text: await schemaDocument(generatedNotice, migrated) },
  ]);
  yield { path: 'docs/configuration.md', text: configuration() };
  yield { path: 'docs/errors.md', text: errors() };
  yield { path: 'docs/verdicts.md', text: verdictsDocument(generatedNotice) };
  const served = await servedDocument();
  yield { path: 'openapi.json', text: served };
  yield { path: 'web/api/schema.ts', text: pageTypes(JSON.parse(served)) };
  yield {
    path: 'docs/access.md',
    text: accessDocument(generatedNotice, (await adminRoutes()).map(expectedRow)),
  };
}

function configuration(): string {
  const sections = [...new Set(settings.map(({ section }) => section))];
  return [
    generatedNotice,
    '# Configuration',
    '',
    'Keyward is configured by environment variables. At the start all faults are reported at once, by name and never by value.',
    ...sections.flatMap((section) => [
      '',
      `## ${section}`,
      '',
      ...settingsTable(settings.filter((one) => one.section === section)),
    ]),
    '',
    '## For each provider',
    '',
    'The slug in capitals, a dash as an underscore: `openrouter` reads `OPENROUTER_API_KEY`.',
    '',
    '| Variable | Default | Meaning |',
    '| --- | --- | --- |',
    '| `{SLUG}_API_KEY` | unset | The key from the environment, for the sources environment and hybrid. |',
    "| `{SLUG}_BASE_URL` | base_url of the row, else the provider's own | Where requests go: the address under which the provider's OpenAI-compatible API is, as https://api.openai.com/v1. As Anthropic's and Google's own SDKs take theirs, without /v1, or up to /v1beta, is good too. It is the operator's own word: it may lead into a private network without allow_private_network, and a stored key stays bound to the host of base_url whatever it says, so that a key stored from a shell without the variable serves on a server that has it. |",
    '',
  ].join('\n');
}

function settingsTable(rows: readonly Setting[]): string[] {
  return [
    '| Variable | Default | Meaning |',
    '| --- | --- | --- |',
    ...rows.map(({ name, defaultText, description }) => `| \`${name}\` | ${defaultText} | ${description} |`),
  ];
}

function errors(): string {
  const rows = Object.entries(errorCatalogue).toSorted(
    ([codeA, a], [codeB, b]) => a.status - b.status || codeA.localeCompare(codeB),
  );
  return [
    generatedNotice,
    '# Errors',
    '',
    'Every error has the shape of the OpenAI API: `{"error": {"message", "type", "param", "code"}}`. The message may say more than the one below. Why a provider refused a key, the test of the key says: [verdicts.md](verdicts.md).',
    '',
    '| Status | Code | Type | Message |',
    '| --- | --- | --- | --- |',
    ...rows.map(([code, { status, type, message }]) => `| ${status} | \`${code}\` | ${type} | ${message} |`),
    '',
  ].join('\n');
}
