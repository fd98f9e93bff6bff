/** The documents that are made from the code: which there are, and the text that each must have now. */
import { errorCatalogue } from '../src/foundation/errors.ts';
import { settings, type Setting } from '../src/foundation/settings.ts';
import { withMigratedDatabase } from './migrated-database.ts';
import { schemaDocument } from './schema-document.ts';
import { verdictsDocument } from './verdicts-document.ts';

export interface GeneratedDocument {
  readonly path: string;
  readonly text: string;
}

const notice = '<!-- Made by "npm run generate". Do not edit. -->';

export async function generatedDocuments(): Promise<GeneratedDocument[]> {
  const fromDatabase = await withMigratedDatabase(async (migrated) => [
    { path: 'migrations/expected-catalogue.json', text: `${JSON.stringify(migrated.steps, null, 2)}\n` },
    { path: 'SCHEMA.md', text: await schemaDocument(notice, migrated) },
  ]);
  return [
    ...fromDatabase,
    { path: 'docs/configuration.md', text: configuration() },
    { path: 'docs/errors.md', text: errors() },
    { path: 'docs/verdicts.md', text: verdictsDocument(notice) },
  ];
}

function configuration(): string {
  const sections = [...new Set(settings.map(({ section }) => section))];
  return [
    notice,
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
    "| `{SLUG}_BASE_URL` | base_url of the row, else the provider's own | Where requests go, as the SDKs' own variables of this name do. |",
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
    notice,
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
