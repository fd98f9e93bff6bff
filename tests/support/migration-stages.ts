/**
 * Databases at every stage of the migrations, to copy, and how each stage looks from outside: what a runner
 * leaves behind, however it ended, must be one of them.
 */
import { Client } from 'pg';
import type pg from 'pg';
import { inject } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { applyMigrations, type ApplyOptions } from '../../src/database/migrations/apply.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { catalogueHash, keptByRollbacks } from './database-contents.ts';
import { createDatabase, type TestDatabase } from './real-postgres.ts';

export const known = shippedMigrations();
/** All versions, after 000 for an empty schema. */
export const stages = ['000', ...known.migrations.map(({ version }) => version)];

export const applyQuietly: ApplyOptions = { force: false, lockTimeoutMs: 2_000, onStep: () => undefined };

export const threeKeys = `
  UPDATE llm_providers SET encrypted_api_key = 'token-of-' || provider_slug, api_key_source = 'database',
         api_key_updated_at = '2025-10-27 14:35:00.123456', api_key_last_tested = '2026-01-02 03:04:05', api_key_test_status = 'valid'
   WHERE provider_slug IN ('openai', 'anthropic', 'groq')`;

/** Keyward's own connections to the database that a URL names. */
export async function openUrl(url: string): Promise<Database> {
  return openDatabase(loadConfig({ DATABASE_URL: url }).database, {
    as: 'command',
    onProgress: () => undefined,
    onIdleError: () => undefined,
  });
}

/** The same database by another port. */
export function byPort(url: string, port: number): string {
  const other = new URL(url);
  other.port = String(port);
  return other.href;
}

/** Runs with a client of its own. */
export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** The newest version in the ledger, and the catalogue. */
async function lookAt(client: pg.Client): Promise<{ newest: string; hash: string }> {
  const { rows } = await client.query(`SELECT to_regclass('keyward_migrations') AS ledger`);
  const hasLedger = (rows[0] as { ledger: string | null }).ledger !== null;
  const versions = hasLedger
    ? await client.query('SELECT max(version) AS newest FROM keyward_migrations')
    : null;
  const newest = (versions?.rows[0] as { newest: string | null } | undefined)?.newest ?? '000';
  return { newest, hash: await catalogueHash(client, keptByRollbacks) };
}

export class MigrationStages {
  readonly #templates: ReadonlyMap<string, TestDatabase>;
  readonly #hashes: ReadonlyMap<string, string>;

  private constructor(templates: ReadonlyMap<string, TestDatabase>, hashes: ReadonlyMap<string, string>) {
    this.#templates = templates;
    this.#hashes = hashes;
  }

  static async prepare(): Promise<MigrationStages> {
    const templates = new Map<string, TestDatabase>();
    const hashes = new Map<string, string>();
    let previous = 'template0';
    for (const stage of stages) {
      const made = await createDatabase({ template: previous });
      const database = await openUrl(made.url);
      await applyMigrations(database.kysely, known, { ...applyQuietly, to: stage });
      await database.close();
      hashes.set(stage, await withClient(made.url, async (client) => (await lookAt(client)).hash));
      templates.set(stage, made);
      previous = nameIn(made.url);
    }
    return new MigrationStages(templates, hashes);
  }

  /** A new database at this stage. */
  async copy(stage: string): Promise<TestDatabase> {
    return createDatabase({ template: nameIn(this.#templates.get(stage)?.url ?? '') });
  }

  /** The stage that a database is at by its ledger, when its catalogue is exactly that stage's; else a word about it. */
  async stageOf(client: pg.Client): Promise<string> {
    const { newest, hash } = await lookAt(client);
    return this.#hashes.get(newest) === hash
      ? newest
      : `between: the ledger says ${newest}, the catalogue does not`;
  }

  async drop(): Promise<void> {
    for (const made of this.#templates.values()) await made.drop();
  }
}

function nameIn(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** Host and port of the server that the run started. */
export function serverAddress(): { host: string; port: number } {
  const { hostname, port } = new URL(inject('postgresUrl'));
  return { host: hostname, port: Number(port) };
}

/** Settles once no connection but the client's is at work in its database: those of the dead have been noticed. */
export async function untilAlone(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    if (rows.length === 0) return;
  }
}
