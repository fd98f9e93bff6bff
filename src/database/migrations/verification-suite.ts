/**
 * The checks of migration 002 that an operator runs: nine suites, eighteen checks, in the order and the
 * words of the script that the platform's operators know. Only reads; each check fails when its fact does
 * not hold, whatever the ledger says.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { readFacts, type Facts } from './catalogue.ts';
import { refuseAmbiguousSchema } from './refuse-ambiguous-schema.ts';

interface Check {
  readonly passed: boolean;
  readonly message: string;
}

export interface Suite {
  readonly title: string;
  readonly checks: readonly Check[];
  /** Further lines for a person. */
  readonly details: readonly string[];
}

const columns: readonly (readonly [name: string, type: string, shownType: string])[] = [
  ['encrypted_api_key', 'text', 'TEXT'],
  ['api_key_source', 'character varying(50)', 'VARCHAR(50)'],
  ['api_key_updated_at', 'timestamp without time zone', 'TIMESTAMP'],
  ['api_key_last_tested', 'timestamp without time zone', 'TIMESTAMP'],
  ['api_key_test_status', 'character varying(20)', 'VARCHAR(20)'],
];

const indexes: Readonly<Record<string, string>> = {
  idx_llm_providers_api_key_source: 'btree (api_key_source) WHERE is_active',
  idx_llm_providers_has_db_key: 'btree (id) WHERE encrypted_api_key IS NOT NULL',
};

/** @throws MigrationFailure when the search path makes it unclear which table is meant */
export async function runVerificationSuite(db: Kysely<Tables>): Promise<Suite[]> {
  await refuseAmbiguousSchema(db);
  const facts = await readFacts(db, ['llm_providers']);
  const isThere = facts.has('table llm_providers');
  return [
    suite('Table existence', [
      check(isThere, "Table 'llm_providers' exists", "Table 'llm_providers' is missing"),
    ]),
    suite(
      'Column existence',
      columns.map(([name]) => columnExists(facts, name)),
    ),
    suite(
      'Column data types',
      columns
        .filter(([name]) => name !== 'api_key_last_tested')
        .map((column) => columnType(facts, ...column)),
    ),
    suite(
      'Index existence',
      Object.entries(indexes).map(([name, shape]) => indexExists(facts, name, shape)),
    ),
    suite(
      'Column comments',
      ['encrypted_api_key', 'api_key_source'].map((name) => columnComment(facts, name)),
    ),
    suite('Default values', [sourceDefault(facts)]),
    suite('Nullable constraints', [nullability(facts)]),
    await existingData(db, facts),
    fullSchema(facts),
  ];
}

function suite(title: string, checks: readonly Check[], details: readonly string[] = []): Suite {
  return { title, checks, details };
}

function check(passed: boolean, good: string, bad: string): Check {
  return { passed, message: passed ? good : bad };
}

/** `character varying(50)`, `not null` or `null`, and `default …` of a column; undefined where it is missing. */
function column(
  facts: Facts,
  name: string,
): { type: string; isNullable: boolean; defaultText: string | undefined } | undefined {
  const match = /^(.*?) (not null(?: not valid)?|null)(?: default (.*))?$/.exec(
    facts.get(`column llm_providers.${name}`) ?? '',
  );
  if (match === null) return undefined;
  return { type: match[1] ?? '', isNullable: match[2] !== 'not null', defaultText: match[3] };
}

function columnExists(facts: Facts, name: string): Check {
  return check(column(facts, name) !== undefined, `Column '${name}' exists`, `Column '${name}' is missing`);
}

function columnType(facts: Facts, name: string, type: string, shownType: string): Check {
  const found = column(facts, name)?.type;
  return check(
    found === type,
    `Column '${name}' has type ${shownType}`,
    `Column '${name}' should have type ${shownType}, found ${found ?? 'no such column'}`,
  );
}

function indexExists(facts: Facts, name: string, shape: string): Check {
  const found = facts.get(`index llm_providers.${name}`);
  return check(
    found === shape,
    `Index '${name}' exists`,
    found === undefined ? `Index '${name}' is missing` : `Index '${name}' should be ${shape}, found ${found}`,
  );
}

function columnComment(facts: Facts, name: string): Check {
  const found = facts.get(`comment on column llm_providers.${name}`);
  return check(found !== undefined, `Column '${name}' has a comment`, `Column '${name}' has no comment`);
}

function sourceDefault(facts: Facts): Check {
  const found = column(facts, 'api_key_source')?.defaultText;
  return check(
    found === "'environment'::character varying",
    "Column 'api_key_source' has the default 'environment'",
    `Column 'api_key_source' should have the default 'environment', found ${found ?? 'none'}`,
  );
}

function nullability(facts: Facts): Check {
  const wrong = columns
    .map(([name]) => name)
    .filter((name) => column(facts, name)?.isNullable !== (name !== 'api_key_source'));
  return check(
    wrong.length === 0,
    "Column 'api_key_source' is NOT NULL, the other four are nullable",
    `Nullability is wrong: ${wrong.join(', ')} (api_key_source NOT NULL, the other four nullable)`,
  );
}

async function existingData(db: Kysely<Tables>, facts: Facts): Promise<Suite> {
  const title = 'Existing data validation';
  if (column(facts, 'api_key_source') === undefined) {
    return suite(title, [
      { passed: false, message: "Existing rows cannot be checked without the column 'api_key_source'" },
    ]);
  }
  const { rows } = await sql<{ source: string | null; count: string }>`
    SELECT api_key_source AS source, count(*) AS count FROM llm_providers GROUP BY api_key_source ORDER BY api_key_source`.execute(
    db,
  );
  const total = rows.reduce((sum, { count }) => sum + Number(count), 0);
  const without = rows
    .filter(({ source }) => source === null || source === '')
    .reduce((sum, { count }) => sum + Number(count), 0);
  return suite(
    title,
    [
      check(
        without === 0,
        `All ${total} provider(s) have an api_key_source`,
        `${without} of ${total} provider(s) have no api_key_source`,
      ),
    ],
    rows.map(({ source, count }) => `${count} provider(s) have api_key_source set to '${source ?? 'NULL'}'`),
  );
}

function fullSchema(facts: Facts): Suite {
  const lines = [...facts]
    .filter(([name]) => name.startsWith('column llm_providers.') || name.startsWith('index llm_providers.'))
    .map(([name, shape]) => `${name.replace('llm_providers.', '')}: ${shape}`);
  const missing = [
    ...columns.map(([name]) => name).filter((name) => column(facts, name) === undefined),
    ...Object.keys(indexes).filter((name) => !facts.has(`index llm_providers.${name}`)),
  ];
  return suite(
    'Full schema display',
    [
      check(
        missing.length === 0,
        `The schema holds all of migration 002 (${lines.length} columns and indexes)`,
        `The schema lacks of migration 002: ${missing.join(', ')}`,
      ),
    ],
    lines,
  );
}

/**
 * How many rows have an empty source: it says nothing, and counts for the environment. The catalogue cannot tell,
 * and the column's NOT NULL lets it pass. 0 where the column is not there.
 */
export async function countEmptySources(db: Kysely<Tables>): Promise<number> {
  const facts = await readFacts(db, ['llm_providers']);
  if (column(facts, 'api_key_source') === undefined) return 0;
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) AS count FROM llm_providers WHERE api_key_source = ''`.execute(db);
  return Number(rows[0]?.count ?? 0);
}
