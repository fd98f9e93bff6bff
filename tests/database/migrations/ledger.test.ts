/** The ledger: read where it is, made once, written by version. */
import { userInfo } from 'node:os';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import {
  createLedger,
  forgetMigration,
  readLedger,
  recordMigration,
} from '../../../src/database/migrations/ledger.ts';
import type { Migration } from '../../../src/database/migrations/migration-files.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';

const migration: Migration = {
  version: '901',
  name: 'of_a_test',
  file: '901_of_a_test.sql',
  sql: 'SELECT 1',
  parts: ['SELECT 1'],
  rollbackSql: 'SELECT 2',
  checksum: 'a'.repeat(64),
  formerChecksums: [],
};

describeOnMigratedDatabase('the ledger', (database) => {
  it('is empty where there is none, and is made with a comment on everything', async () => {
    await database().undone(async (tx) => {
      await sql`DROP TABLE keyward_migrations`.execute(tx);
      expect(await readLedger(tx)).toEqual(new Map());
      await createLedger(tx);
      await createLedger(tx);
      expect(await readLedger(tx)).toEqual(new Map());
      const { rows } = await sql`
        SELECT attname FROM pg_attribute WHERE attrelid = 'keyward_migrations'::regclass AND attnum >= 0
           AND col_description(attrelid, attnum) IS NULL`.execute(tx);
      expect(rows).toEqual([]);
    });
  });

  it('keeps version, name, checksum, time, who and how long, and replaces what an earlier run wrote', async () => {
    await database().undone(async (tx) => {
      await recordMigration(tx, migration, { adopted: false, durationMs: 12 });
      const again = { ...migration, checksum: 'b'.repeat(64) };
      await recordMigration(tx, again, { adopted: false, durationMs: 34 });
      const { rows } = await sql`
        SELECT name, checksum, applied_by, duration_ms, applied_at = (now() AT TIME ZONE 'UTC') AS is_now
          FROM keyward_migrations WHERE version = '901'`.execute(tx);
      expect(rows).toEqual([
        {
          name: 'of_a_test',
          checksum: 'b'.repeat(64),
          applied_by: userInfo().username,
          duration_ms: 34,
          is_now: true,
        },
      ]);
    });
  });

  it('says what was adopted, and forgets one version at a time', async () => {
    await database().undone(async (tx) => {
      await recordMigration(tx, migration, { adopted: true, durationMs: 0 });
      const before = await readLedger(tx);
      expect(before.get('901')).toMatchObject({
        checksum: migration.checksum,
        adopted: true,
        appliedAt: expect.any(Date),
      });
      expect(before.get('001')).toMatchObject({ adopted: false });
      await forgetMigration(tx, '901');
      expect([...(await readLedger(tx)).keys()].toSorted()).toEqual(
        [...before.keys()].filter((one) => one !== '901').toSorted(),
      );
    });
  });
});
