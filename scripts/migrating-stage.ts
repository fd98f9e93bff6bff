/**
 * Where the transcripts of docs/migrating.md are made: a throwaway PostgreSQL with a platform's database,
 * the real commands, and an ear for what they say. What differs from run to run is told in steady words.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { readMigrations } from '../src/database/migrations/migration-files.ts';
import { KeywardProcess } from '../tests/support/keyward-process.ts';

export interface ShowOptions {
  /** With the header that every command begins with. */
  readonly withHeader?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** What happens while the command runs. */
  readonly meanwhile?: (command: KeywardProcess) => Promise<void>;
  /** Of lines in a row that match, only the first two are shown. */
  readonly shorten?: RegExp;
}

const database = 'unicorn_db';
const owner = 'unicorn';
const password = 'password';

export class Stage {
  readonly transcripts = new Map<string, string>();
  readonly #superuserUrl: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'keyward-transcripts-'));

  /** @param superuserUrl of a PostgreSQL that nobody else uses */
  constructor(superuserUrl: string) {
    this.#superuserUrl = superuserUrl;
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      DATABASE_URL: this.url(),
      KEYWARD_DATA_DIR: join(this.#directory, '.keyward'),
      BYOK_ENCRYPTION_KEY: encryptionKeyFrom('of the platform'),
    };
  }

  /** Of the platform's database, by default as its owner. */
  url({ user = owner, secret = password, name = database, options = '' } = {}): string {
    const url = new URL(this.#superuserUrl);
    Object.assign(url, { username: user, password: secret, pathname: `/${name}`, search: options });
    return url.href;
  }

  /** A new database of the platform's owner, with what this SQL puts there. */
  async setUp(sql: string): Promise<void> {
    await this.#asSuperuser(async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      for (const role of [owner, 'reports']) {
        const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
        if (rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
      }
      await client.query(`CREATE DATABASE ${database} OWNER ${owner}`);
    });
    await this.sql(sql);
  }

  /** Statements of another program at the platform's database. */
  async sql(text: string): Promise<void> {
    const client = await this.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url() });
    await client.connect();
    return client;
  }

  /** Runs a command that belongs to the story, but is not shown. */
  async run(args: readonly string[], input?: string): Promise<void> {
    const { exitCode, stderr } = await new KeywardProcess(args, this.environment, input).ended();
    if (exitCode !== 0) throw new Error(`keyward ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  }

  /**
   * Runs a command and keeps what it says under this name, after what was kept there before.
   * @param line as a person types it after `keyward`; a redirection hides what it redirects
   */
  async show(name: string, line: string, options: ShowOptions = {}): Promise<void> {
    const args = line.split(' ').filter((word) => word !== '' && !/^2?>|\.sql$/.test(word));
    const command = new KeywardProcess(args, { ...this.environment, ...options.environment });
    await options.meanwhile?.(command);
    const { exitCode, stdout, stderr } = await command.ended();
    const said = [
      line.includes('2>') ? '' : options.withHeader ? stderr : withoutHeader(stderr),
      / >/.test(line) ? '' : stdout,
    ].join('');
    const text = shortened(steady(said.replaceAll(`${this.#directory}/`, '')), options.shorten);
    const ending = exitCode === 0 ? '' : `$ echo $?\n${exitCode}\n`;
    const before = this.transcripts.get(name);
    this.transcripts.set(
      name,
      `${before === undefined ? '' : `${before}\n`}$ keyward ${line}\n${text.trimEnd()}\n${ending}`,
    );
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #asSuperuser(work: (client: pg.Client) => Promise<void>): Promise<void> {
    const client = new pg.Client({ connectionString: this.#superuserUrl });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  }
}

/** The platform's tables as they were before any runner came: what migration 001 makes, without a ledger. */
export function platformTables(): string {
  return migrationSql('001');
}

export function migrationSql(version: string): string {
  const found = readMigrations().find((one) => one.version === version);
  if (found === undefined) throw new Error(`there is no migration ${version}`);
  return found.sql;
}

/** A good key that protects nothing: the same at each run, so that its id is too. */
export function encryptionKeyFrom(words: string): string {
  return `${createHash('sha256').update(words).digest('base64url')}=`;
}

const volatile: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/127\.0\.0\.1:\d+/g, 'db.example:5432'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, 'YYYY-MM-DD hh:mm:ss UTC'],
  [/system-keys-[\dTZ-]+\.json/g, 'system-keys-<time>.json'],
  [/\b[0-9a-f]{64}\b/g, '<checksum>'],
  [/ in \d+ ms/g, ' in <n> ms'],
  [/process \d+/g, 'process <n>'],
  [/pg_terminate_backend\(\d+\)/g, 'pg_terminate_backend(<n>)'],
];

function steady(text: string): string {
  let result = text;
  for (const [pattern, words] of volatile) result = result.replaceAll(pattern, words);
  return result;
}

/** Without what every command begins with, up to the line that names the database. */
function withoutHeader(text: string): string {
  return text.replace(
    /^={70}\n {2}Keyward Migration Runner\n[^]*?UTC\n\n(?:✅ Connected to database: .*\n\n)?/,
    '',
  );
}

function shortened(text: string, pattern: RegExp | undefined): string {
  if (pattern === undefined) return text;
  let inARow = 0;
  const lines = text.split('\n').flatMap((line) => {
    inARow = pattern.test(line) ? inARow + 1 : 0;
    return inARow > 3 ? [] : inARow === 3 ? [`${/^ */.exec(line)?.[0]}…`] : [line];
  });
  return lines.join('\n');
}
