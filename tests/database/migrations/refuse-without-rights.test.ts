/** A role that may not alter the tables is told before anything is written, and with it whose they are. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyMigrations } from '../../../src/database/migrations/apply.ts';
import { readLedger } from '../../../src/database/migrations/ledger.ts';
import { refuseWithoutRights } from '../../../src/database/migrations/refuse-without-rights.ts';
import { readContents } from '../../support/database-contents.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';
import { withOption } from '../../support/migrating-cases.ts';
import { applyQuietly, known, openUrl, withClient } from '../../support/migration-stages.ts';
import { createDatabase, runAsSuperuser, type TestDatabase } from '../../support/real-postgres.ts';

const platform =
  'CREATE ROLE kw_rights_owner; CREATE ROLE kw_rights_deployer; GRANT ALL ON SCHEMA public TO kw_rights_owner, kw_rights_deployer';
const everythingTo = (role: string): string => `DO $$
  DECLARE
    name TEXT;
  BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
      EXECUTE format('ALTER TABLE %I OWNER TO ${role}', name);
    END LOOP;
  END $$`;
const forgetAfter = (version: string): string =>
  `DELETE FROM keyward_migrations WHERE version > '${version}'`;

describeOnMigratedDatabase('the rights of a role', (database) => {
  async function askAs(role: string, prepare: string, options = { force: false }): Promise<void> {
    return database().undone(async (tx) => {
      await sql.raw(`${platform}; ${prepare}; SET LOCAL ROLE ${role}`).execute(tx);
      await refuseWithoutRights(tx, known, options);
    });
  }

  it('are enough where it owns the tables, or is a member of the role that does', async () => {
    const owned = `${everythingTo('kw_rights_owner')}; ${forgetAfter('001')}`;
    await expect(askAs('kw_rights_owner', owned)).resolves.toBeUndefined();
    await expect(
      askAs('kw_rights_deployer', `${owned}; GRANT kw_rights_owner TO kw_rights_deployer`),
    ).resolves.toBeUndefined();
  });

  it('are not enough with grants alone: the tables are named with their owner', async () => {
    const granted = `${everythingTo('kw_rights_owner')}; ${forgetAfter('003')}; GRANT ALL ON ALL TABLES IN SCHEMA public TO kw_rights_deployer`;
    await expect(askAs('kw_rights_deployer', granted)).rejects.toMatchObject({
      name: 'MigrationFailure',
      exitCode: 1,
      message: expect.stringMatching(
        /^The role kw_rights_deployer may not alter these tables: keyward_migrations, llm_providers, llm_models, [^\n]+ belong to kw_rights_owner\. Nothing was changed\. Connect as the role that owns them, or make this one a member of it\.$/,
      ),
    });
  });

  it('are not asked for where nothing is to be done, but for a repair', async () => {
    const reading = `${everythingTo('kw_rights_owner')}; GRANT SELECT ON keyward_migrations TO kw_rights_deployer`;
    await expect(askAs('kw_rights_deployer', reading)).resolves.toBeUndefined();
    await expect(askAs('kw_rights_deployer', reading, { force: true })).rejects.toThrow(
      'belong to kw_rights_owner',
    );
  });

  it('name a ledger that another role left behind, and the statement that puts it right', async () => {
    const stray = `${everythingTo('kw_rights_owner')}; ${forgetAfter('001')}; ALTER TABLE keyward_migrations OWNER TO kw_rights_deployer; GRANT SELECT ON keyward_migrations TO kw_rights_owner`;
    await expect(askAs('kw_rights_owner', stray)).rejects.toThrow(
      'keyward_migrations belongs to kw_rights_deployer. Nothing was changed. Connect as the role that owns them, or make this one a member of it. The ledger should belong to the same role as llm_providers; as a superuser: ALTER TABLE keyward_migrations OWNER TO kw_rights_owner.',
    );
  });

  it('to read the ledger are asked for in words, with the grant that gives them', async () => {
    const reading = database().undone(async (tx) => {
      await sql.raw(`${platform}; SET LOCAL ROLE kw_rights_deployer`).execute(tx);
      await readLedger(tx);
    });
    await expect(reading).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('GRANT SELECT ON keyward_migrations TO kw_rights_deployer'),
    });
  });
});

describe('a run on a real PostgreSQL', () => {
  const role = `keyward_role_${randomBytes(8).toString('hex')}`;
  let made: TestDatabase;
  beforeAll(async () => {
    made = await createDatabase();
    await runAsSuperuser(`CREATE ROLE ${role}`);
    await withClient(made.url, async (client) => {
      await client.query(known.migrations[0]?.sql ?? '');
      await client.query(
        `GRANT ALL ON SCHEMA public TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
      );
    });
  });
  afterAll(async () => {
    await made.drop();
    await runAsSuperuser(`DROP ROLE ${role}`);
  });

  it('by a role that may make tables and owns none leaves no ledger behind', async () => {
    const before = await withClient(made.url, readContents);
    const database = await openUrl(withOption(made.url, 'role', role));
    await expect(applyMigrations(database.kysely, known, applyQuietly)).rejects.toThrow(
      `The role ${role} may not alter these tables: llm_providers, llm_models, user_api_keys, llm_usage_logs belong to`,
    );
    await database.close();
    expect(await withClient(made.url, readContents)).toEqual(before);
  });
});
