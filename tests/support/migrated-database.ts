/**
 * A database with all migrations on each of the two engines, opened once for all tests of a suite: each works
 * in a transaction that is undone.
 */
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Tables } from '../../src/database/tables.ts';
import { type OpenedDatabase, openOn } from './keyward-database.ts';

class Undo extends Error {}

export interface MigratedDatabase {
  readonly opened: OpenedDatabase;
  /** Runs in a transaction, which leaves nothing behind. */
  undone<T>(work: (tx: Kysely<Tables>) => Promise<T>): Promise<T>;
}

export function describeOnMigratedDatabase(
  title: string,
  suite: (database: () => MigratedDatabase) => void,
): void {
  describe.each(['embedded', 'postgres'] as const)(`${title} (%s)`, (engine) => {
    let opened: OpenedDatabase;
    beforeAll(async () => {
      opened = await openOn(engine);
    });
    afterAll(async () => opened.close());
    suite(() => ({ opened, undone: async (work) => undone(opened, work) }));
  });
}

/** Runs in a transaction of this database, which leaves nothing behind. */
export async function undone<T>(
  { database }: OpenedDatabase,
  work: (tx: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  const result: { value?: T } = {};
  try {
    await database.kysely.transaction().execute(async (tx) => {
      result.value = await work(tx);
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
  return result.value as T;
}
