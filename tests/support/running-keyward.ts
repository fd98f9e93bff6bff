/**
 * A whole Keyward inside the test's process: startServer on a free port, with a configuration read from
 * the given variables and from nothing else, on the engine that was chosen.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import pg from 'pg';
import { inject } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Clock } from '../../src/foundation/clock.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import type { Snapshot } from '../../src/keys/snapshot.ts';
import { freshPgliteDirectory, migratedPgliteDirectory } from './fresh-pglite.ts';
import type { Engine } from './keyward-database.ts';
import { createDatabase } from './real-postgres.ts';
import { startServer, type RunningServer } from '../../src/server.ts';

export interface StartOptions {
  /** `postgres` where absent: it starts sooner, and what is true of one engine alone has suites that name it. */
  readonly engine?: Engine;
  /** Added to the variables that every test needs, or in their place. */
  readonly env?: Readonly<Record<string, string>>;
  readonly place?: Place;
  /** The system's where absent. */
  readonly clock?: Clock;
}

/** Where one installation lives: the variables that name it, and how it is thrown away. */
export interface Place {
  readonly environment: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

export const gatewayToken = ['kwg', 'test', 'token', '0123456789'].join('_');
export const adminToken = ['kwa', 'test', 'token', '0123456789'].join('_');

/**
 * A database on the engine, with an encryption key and tokens for those who will start on it.
 * @param engine `named` where the variables that are added name a database
 * @param options.migrated false for an empty database: the first start then applies all migrations
 */
export async function newPlace(
  engine: Engine | 'named' = 'postgres',
  { migrated = true }: { migrated?: boolean } = {},
): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'keyward-test-'));
  const environment = {
    HOST: '127.0.0.1',
    PORT: '0',
    KEYWARD_DATA_DIR: directory,
    BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal(),
    KEYWARD_GATEWAY_TOKEN: gatewayToken,
    KEYWARD_ADMIN_TOKEN: adminToken,
    LOG_FORMAT: 'json',
    // No test of a key that a suite has not asked for, whatever the time of day.
    HEALTH_TEST_WINDOW: 'off',
  };
  if (engine === 'named')
    return { environment, remove: async () => rm(directory, { recursive: true, force: true }) };
  if (engine === 'embedded') {
    await (migrated ? migratedPgliteDirectory : freshPgliteDirectory)(join(directory, 'database'));
    return { environment, remove: async () => rm(directory, { recursive: true, force: true }) };
  }
  const { url, drop } = await createDatabase(migrated ? { template: inject('postgresMigrated') } : {});
  return {
    environment: { ...environment, DATABASE_URL: url },
    remove: async () => {
      await rm(directory, { recursive: true, force: true });
      await drop();
    },
  };
}

export class RunningKeyward {
  readonly server: RunningServer;
  readonly environment: Readonly<Record<string, string>>;
  /** As they were before scrubbing: what is not in here was never logged. */
  readonly logLines: readonly string[];
  readonly #onSnapshot: Set<() => void>;
  readonly #cleanUp: () => Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(parts: {
    server: RunningServer;
    environment: Record<string, string>;
    logLines: readonly string[];
    onSnapshot: Set<() => void>;
    cleanUp: () => Promise<void>;
  }) {
    this.server = parts.server;
    this.environment = parts.environment;
    this.logLines = parts.logLines;
    this.#onSnapshot = parts.onSnapshot;
    this.#cleanUp = parts.cleanUp;
  }

  get port(): number {
    return Number(new URL(this.server.url).port);
  }

  get chatUrl(): string {
    return `${this.server.url}/api/v1/llm/chat/completions`;
  }

  get snapshot(): Snapshot {
    return this.server.snapshot();
  }

  /** The official client, told nothing but the address and the token. */
  client(apiKey = gatewayToken): OpenAI {
    return new OpenAI({ apiKey, baseURL: `${this.server.url}/api/v1/llm`, maxRetries: 0 });
  }

  /** A chat by a plain HTTP client; text is sent as it is. */
  async chat(
    body: string | object = {
      model: 'openrouter/some/model',
      messages: [{ role: 'user', content: 'Hello' }],
    },
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(this.chatUrl, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${gatewayToken}`,
        ...init.headers,
      },
    });
  }

  async ready(): Promise<{
    httpStatus: number;
    status: string;
    checks: Record<string, Record<string, unknown>>;
  }> {
    const response = await fetch(`${this.server.url}/health/ready`);
    const report = (await response.json()) as {
      status: string;
      checks: Record<string, Record<string, unknown>>;
    };
    return { httpStatus: response.status, ...report };
  }

  /** What an operator or the platform's own code would write into encrypted_api_key. */
  encrypt(key: string): string {
    return KeyRing.parse(new Secret(this.environment['BYOK_ENCRYPTION_KEY'] ?? '')).encrypt(new Secret(key));
  }

  /** Runs SQL as another program would, on a connection of its own. */
  async sql<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { kind } = this.server.installation.database;
    const client = new pg.Client(
      kind === 'embedded'
        ? {
            host: this.environment['KEYWARD_DATA_DIR'] ?? '',
            port: 5432,
            user: 'postgres',
            database: 'postgres',
          }
        : { connectionString: this.environment['DATABASE_URL'] },
    );
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Runs SQL and waits until this server serves what it changed. */
  async change(text: string, values: readonly unknown[] = []): Promise<void> {
    await this.sql(text, values);
    await this.caughtUp();
  }

  /** Waits until this server serves everything that has been committed. */
  async caughtUp(): Promise<void> {
    const [row] = await this.sql<{ revision: string }>('SELECT revision FROM keyward_revision');
    await this.untilSnapshot(({ revision }) => revision >= Number(row?.revision));
  }

  /** Sets columns of a provider by SQL, as the seed's checklist does, and waits until they serve. */
  async setProvider(slug: string, columns: Readonly<Record<string, unknown>>): Promise<void> {
    const names = Object.keys(columns);
    const assignments = names.map((name, index) => `${name} = $${index + 2}`).join(', ');
    await this.change(`UPDATE llm_providers SET ${assignments} WHERE provider_slug = $1`, [
      slug,
      ...Object.values(columns),
    ]);
  }

  async untilSnapshot(fits: (snapshot: Snapshot) => boolean): Promise<void> {
    while (!fits(this.snapshot)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onSnapshot.add(resolve);
      await promise;
      this.#onSnapshot.delete(resolve);
    }
  }

  /** Stops the server; once, however often it is called. */
  async stop(): Promise<void> {
    this.#stopped ??= this.server.stop().then(this.#cleanUp);
    return this.#stopped;
  }
}

/** Starts on a new place, which goes when the server stops; or on one that was made before, which stays. */
export async function startKeyward({
  engine,
  env = {},
  place,
  clock,
}: StartOptions = {}): Promise<RunningKeyward> {
  const found = place ?? (await newPlace(env['DATABASE_URL'] === undefined ? engine : 'named'));
  const cleanUp = async (): Promise<void> => {
    if (place === undefined) await found.remove();
  };
  const environment = { ...found.environment, ...env };
  const logLines: string[] = [];
  const onSnapshot = new Set<() => void>();
  try {
    const server = await startServer(loadConfig(environment), {
      log: createLogger({
        level: 'debug',
        format: 'json',
        scrub: (line) => line,
        write: (line) => logLines.push(line),
      }),
      onProgress: () => undefined,
      onSnapshot: () => {
        for (const tell of onSnapshot) tell();
      },
      ...(clock !== undefined && { clock }),
    });
    return new RunningKeyward({ server, environment, logLines, onSnapshot, cleanUp });
  } catch (error) {
    await cleanUp();
    throw error;
  }
}
