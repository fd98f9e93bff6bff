/**
 * `npm run bench:migration`: how long programs that use a large llm_providers wait while 002 is applied to it, by
 * the runner and, to compare, in one transaction. Progress goes to standard error, the findings to standard output.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { table } from '../src/cli/terminal.ts';
import { readMigrations } from '../src/database/migrations/migration-files.ts';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { Children } from './children.ts';
import { type Traffic, TableTraffic, type Waits } from './table-traffic.ts';

const help = `Usage: npm run bench:migration -- [options]

Applies migration 002 to a million rows while other programs read and write them, on a
PostgreSQL of its own. Takes about a minute.

  --quick  a smoke run on a hundred thousand rows; its figures are rough
  --json   the findings as one JSON object
  --help   this text`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** How long readers may be locked out. */
const aimMs = 50;
const keyward = fileURLToPath(new URL('../bin/keyward.js', import.meta.url));

interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly traffic: Traffic;
}

if (options.help) console.log(help);
else await bench(options.quick ? { rows: 100_000, quietMs: 1_000 } : { rows: 1_000_000, quietMs: 5_000 });

async function bench({ rows, quietMs }: { rows: number; quietMs: number }): Promise<void> {
  const children = new Children();
  progress('starting PostgreSQL');
  const postgres = await startRealPostgres();
  try {
    const migrate = async (...args: string[]): Promise<unknown> =>
      children.run({
        command: process.execPath,
        args: [keyward, 'migrate', ...args],
        env: { DATABASE_URL: postgres.url, KEYWARD_DATA_DIR: children.directory },
      });
    await migrate('--to', '001');
    progress(`writing ${rows} rows`);
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const size = await fill(client, rows);
    const traffic = await TableTraffic.connect(postgres.url, rows);
    const phases: Phase[] = [];
    const measure = async (name: string, event: () => Promise<unknown>): Promise<void> => {
      progress(name);
      const startedAt = performance.now();
      const found = await traffic.during(event);
      phases.push({ name, seconds: (performance.now() - startedAt) / 1000, traffic: found });
    };
    await measure('no migration', async () => delay(quietMs));
    await measure('keyward migrate', async () => migrate('--to', '002'));
    await measure('keyward migrate --rollback', async () => migrate('--rollback', '--to', '001'));
    await measure('002 in one transaction, as psql does', async () => inOneTransaction(client));
    await traffic.close();
    const { rows: versions } = await client.query<{ version: string }>('SHOW server_version');
    await client.end();
    report({ rows, size, postgres: versions[0] as unknown as { server_version: string }, phases });
  } finally {
    await postgres.stop();
    await children.stop();
  }
}

/** @returns how large the table is, as a person says it */
async function fill(client: pg.Client, rows: number): Promise<string> {
  await client.query(
    `INSERT INTO llm_providers (provider_name, provider_slug, display_name, description, base_url, api_key_format, documentation_url)
     SELECT 'Provider ' || n, 'provider-' || n, 'Provider ' || n, 'One of many providers', 'https://api.provider-' || n || '.example/v1',
            '^sk-[A-Za-z0-9]{48}$', 'https://docs.provider-' || n || '.example'
       FROM generate_series(1, $1::int) AS n`,
    [rows],
  );
  await client.query('VACUUM ANALYZE llm_providers');
  const { rows: sizes } = await client.query<{ size: string }>(
    `SELECT pg_size_pretty(pg_relation_size('llm_providers')) AS size`,
  );
  return sizes[0]?.size ?? '';
}

async function inOneTransaction(client: pg.Client): Promise<void> {
  const sql = readMigrations().find(({ version }) => version === '002')?.sql;
  if (sql === undefined) throw new Error('There is no migration 002.');
  await client.query(`BEGIN; ${sql}; COMMIT`);
}

function report(found: {
  rows: number;
  size: string;
  postgres: { server_version: string };
  phases: readonly Phase[];
}): void {
  const machine = `${process.platform} ${process.arch}, ${cpus().length} cores`;
  const { rows, size, postgres, phases } = found;
  if (options.json) {
    console.log(
      JSON.stringify(
        { rows, size, postgres: postgres.server_version, machine, aim_ms: aimMs, phases },
        null,
        2,
      ),
    );
    return;
  }
  const cells = ({ count, medianMs, p99Ms, longestMs }: Waits): string[] => [
    count.toString(),
    ms(medianMs),
    ms(p99Ms),
    ms(longestMs),
  ];
  console.log(
    `llm_providers with ${rows} rows (${size}), PostgreSQL ${postgres.server_version}, ${machine}\n`,
  );
  for (const line of table([
    ['', 'seconds', ...heading('reads'), ...heading('writes')],
    ...phases.map(({ name, seconds, traffic }) => [
      name,
      seconds.toFixed(1),
      ...cells(traffic.reads),
      ...cells(traffic.writes),
    ]),
  ]))
    console.log(line);
  const longest =
    phases.find(({ name }) => name === 'keyward migrate')?.traffic.reads.longestMs ?? Number.NaN;
  console.log(
    `\nThe longest that a reader waited while keyward migrated: ${ms(longest)}. The aim of ${aimMs} ms is ${longest < aimMs ? 'met' : 'missed'}.`,
  );
}

function heading(of: string): string[] {
  return [of, 'median', 'p99', 'longest'];
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function progress(message: string): void {
  console.error(`bench: ${message}`);
}
