/** What a start asks of the ledger, and does about it. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import {
  migrateAtStart,
  pendingVersions,
  shippedMigrations,
} from '../../../src/database/migrations/shipped-migrations.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';

describeOnMigratedDatabase('a start', (database) => {
  it('with nothing pending costs two small reads', async () => {
    const { database: open } = database().opened;
    const before = open.queriesSent();
    await migrateAtStart(open, () => expect.unreachable());
    expect(open.queriesSent() - before).toBe(2);
  });

  it('names what is pending, by the ledger alone', async () => {
    const { database: open } = database().opened;
    await database().undone(async (tx) => {
      await sql`DELETE FROM keyward_migrations WHERE version >= '003'`.execute(tx);
      expect(await pendingVersions({ ...open, kysely: tx })).toEqual(
        shippedMigrations()
          .migrations.map(({ version }) => version)
          .filter((version) => version >= '003'),
      );
    });
  });
});
