import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { createDatabase } from './real-postgres.ts';

const starter = fileURLToPath(new URL('start-postgres-main.ts', import.meta.url));

async function ask(url: string, question: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return Object.values((await client.query<Record<string, unknown>>(question)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

test('a test database is empty, and gone once it is dropped', async () => {
  const database = await createDatabase();
  expect(await ask(database.url, 'SELECT count(*)::int FROM pg_stat_user_tables')).toBe(0);
  await database.drop();
  await expect(ask(database.url, 'SELECT 1')).rejects.toThrow('does not exist');
});

test('a database can be copied from another', async () => {
  const original = await createDatabase();
  await ask(original.url, 'CREATE TABLE copied AS SELECT 42 AS answer');
  const copy = await createDatabase({ template: new URL(original.url).pathname.slice(1) });
  expect(await ask(copy.url, 'SELECT answer FROM copied')).toBe(42);
  await Promise.all([original.drop(), copy.drop()]);
});

test('the server dies with the process that started it, also by SIGKILL, and leaves nothing behind', async () => {
  const parent = spawn(process.execPath, [starter], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const directory = String(await ask(url, 'SHOW data_directory'));

  parent.kill('SIGKILL');

  await vi.waitFor(() => expect(existsSync(directory)).toBe(false), { timeout: 10_000 });
  await expect(ask(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
});
