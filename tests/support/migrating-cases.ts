/** Databases for tests of `keyward migrate`: each as one case finds it, dropped after its test. */
import type { Client } from 'pg';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { readContents } from './database-contents.ts';
import { MigrationStages, untilAlone, withClient } from './migration-stages.ts';
import { createDatabase } from './real-postgres.ts';
import { useTemporaryDirectory } from './temporary-directory.ts';

export interface MigratingCase {
  readonly url: string;
  /** With these variables a command finds the database. */
  readonly environment: Readonly<Record<string, string>>;
  readonly dataDirectory: string;
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Everything there is, once nobody else is at it. */
  contents(): Promise<Readonly<Record<string, string>>>;
  /** The stage of the migrations that it is at. */
  stage(): Promise<string>;
}

/** @returns what makes a new case, at a stage of the migrations and after some SQL */
export function useMigratingCases(): (stage: string, sql?: string) => Promise<MigratingCase> {
  const directory = useTemporaryDirectory();
  const drops: (() => Promise<void>)[] = [];
  let stages: MigrationStages;
  beforeAll(async () => {
    stages = await MigrationStages.prepare();
  });
  afterEach(async () => {
    for (const drop of drops.splice(0)) await drop();
  });
  afterAll(async () => stages.drop());
  return async (stage, sql) => {
    const { url, drop } = stage === '000' ? await createDatabase() : await stages.copy(stage);
    drops.push(drop);
    const use = async <T>(action: (client: Client) => Promise<T>): Promise<T> => withClient(url, action);
    if (sql !== undefined) await use(async (client) => client.query(sql));
    const dataDirectory = directory();
    return {
      url,
      environment: { DATABASE_URL: url, KEYWARD_DATA_DIR: dataDirectory },
      dataDirectory,
      sql: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
        use(async (client) => (await client.query<Row>(text, values)).rows),
      contents: async () =>
        use(async (client) => {
          await untilAlone(client);
          return readContents(client);
        }),
      stage: async () => use(async (client) => stages.stageOf(client)),
    };
  };
}

/** The same database with a setting of the session. */
export function withOption(url: string, name: string, value: string): string {
  const changed = new URL(url);
  changed.searchParams.set('options', `-c ${name}=${value}`);
  return changed.href;
}
