import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { useLinkedDatabase } from '../support/linked-database.ts';

const linked = useLinkedDatabase();
const ask = async (): Promise<unknown> => sql`SELECT 1`.execute(linked().database.kysely);

describe('a connection', () => {
  test('that breaks in the middle of a statement fails the statement and not the process', async () => {
    await ask();
    linked().link.freeze();
    const asked = ask();
    linked().link.mend();
    await expect(asked).rejects.toThrow(/terminated/);
    await expect(ask()).resolves.toBeDefined();
  });

  test('that left a statement unanswered is not used again', async () => {
    await ask();
    linked().link.forget();
    await expect(ask()).rejects.toThrow(/timeout/);
    await expect(ask()).resolves.toBeDefined();
  });

  test('that left a statement of a transaction unanswered is not waited for a second time', async () => {
    await ask();
    const began = performance.now();
    const transaction = linked()
      .database.kysely.transaction()
      .execute(async (tx) => {
        linked().link.forget();
        await sql`SELECT 1`.execute(tx);
      });
    await expect(transaction).rejects.toThrow(/unanswered|timeout/);
    expect(performance.now() - began).toBeLessThan(1_150);
    await expect(ask()).resolves.toBeDefined();
  });

  test('that answers an error is kept', async () => {
    await ask();
    const { attempts } = linked().link;
    await expect(sql`SELECT 1/0`.execute(linked().database.kysely)).rejects.toThrow(/division by zero/);
    await ask();
    expect(linked().link.attempts).toBe(attempts);
  });
});
