/**
 * Databases of their own for tests that need a real PostgreSQL: the one that the run started, or the
 * one that KEYWARD_TEST_POSTGRES_URL names.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  /** Ends every connection to it, then removes it. */
  readonly drop: () => Promise<void>;
}

/**
 * Makes a database in some 40 ms.
 * @param options.template name of a database to copy, to which nobody is connected
 * @param options.server URL of a superuser there; the server that the run started when not said
 * @param options.tablespace where its files lie
 */
export async function createDatabase({
  template = 'template0',
  server = inject('postgresUrl'),
  tablespace = 'pg_default',
} = {}): Promise<TestDatabase> {
  const name = `keyward_test_${randomBytes(8).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await runAsSuperuser(`CREATE DATABASE ${name} TEMPLATE ${template} TABLESPACE ${tablespace}`, server);
  return { url: url.href, drop: async () => runAsSuperuser(`DROP DATABASE ${name} WITH (FORCE)`, server) };
}

/** One statement in the database postgres. */
export async function runAsSuperuser(statement: string, server = inject('postgresUrl')): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
