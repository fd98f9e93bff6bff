import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectDatabase, type Database } from '../../src/database/database.ts';
import { startBreakableLink, type BreakableLink } from '../support/breakable-link.ts';
import { createDatabase, type TestDatabase } from '../support/real-postgres.ts';

let served: TestDatabase;
let link: BreakableLink;
let database: Database;
beforeEach(async () => {
  served = await createDatabase();
  const url = new URL(served.url);
  link = await startBreakableLink({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${link.port}`;
  const pool = { connectionString: url.href, max: 1, query_timeout: 600 };
  database = connectDatabase({ description: 'test', pool }, 'postgres', () => undefined);
});
afterEach(async () => {
  link.mend();
  await database.close();
  await link.close();
  await served.drop();
});

const ask = async (): Promise<unknown> => sql`SELECT 1`.execute(database.kysely);

describe('a connection', () => {
  test('that breaks in the middle of a statement fails the statement and not the process', async () => {
    await ask();
    link.freeze();
    const asked = ask();
    link.mend();
    await expect(asked).rejects.toThrow(/terminated/);
    await expect(ask()).resolves.toBeDefined();
  });

  test('that left a statement unanswered is not used again', async () => {
    await ask();
    link.forget();
    await expect(ask()).rejects.toThrow(/timeout/);
    await expect(ask()).resolves.toBeDefined();
  });

  test('that left a statement of a transaction unanswered is not waited for a second time', async () => {
    await ask();
    const began = performance.now();
    const transaction = database.kysely.transaction().execute(async (tx) => {
      link.forget();
      await sql`SELECT 1`.execute(tx);
    });
    await expect(transaction).rejects.toThrow(/unanswered|timeout/);
    expect(performance.now() - began).toBeLessThan(1_150);
    await expect(ask()).resolves.toBeDefined();
  });

  test('that answers an error is kept', async () => {
    await ask();
    const { attempts } = link;
    await expect(sql`SELECT 1/0`.execute(database.kysely)).rejects.toThrow(/division by zero/);
    await ask();
    expect(link.attempts).toBe(attempts);
  });
});
