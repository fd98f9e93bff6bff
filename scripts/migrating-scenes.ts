/** The scenes of docs/migrating.md: what happens to the platform's database, and which commands are shown at it. */
import {
  encryptionKeyFrom,
  migrationSql,
  platformTables,
  type ShowOptions,
  type Stage,
} from './migrating-stage.ts';

/** Obviously fake, and of the shape that OpenRouter's keys have. */
const fakeKey = ['sk', 'or', 'v1', 'e'.repeat(64)].join('-');

const at = (url: string): ShowOptions => ({ environment: { DATABASE_URL: url } });

const detail = /^ {5}(?:column|index|comment) /;

export const scenes: readonly ((stage: Stage) => Promise<void>)[] = [
  async function theWholeStory(stage) {
    await stage.setUp(platformTables());
    await stage.show('check', 'migrate --check', { withHeader: true });
    await stage.show('dry-run', 'migrate --dry-run > plan.sql');
    await stage.show('apply', 'migrate');
    await stage.show('apply-again', 'migrate');
    await stage.show('verify', 'migrate --verify', { shorten: detail });
    await stage.run(['keys', 'set', 'openrouter'], fakeKey);
    await stage.show('encryption-key-check', 'encryption-key check');
    await stage.show('encryption-key-check-wrong', 'encryption-key check', {
      environment: { BYOK_ENCRYPTION_KEY: encryptionKeyFrom('of somebody else') },
    });
    await stage.show('roll-back-refused', 'migrate --rollback');
    await stage.show('roll-back-json', 'migrate --rollback --json 2>/dev/null');
    await stage.show('roll-back', 'migrate --rollback --yes');
    await stage.show('restore', 'migrate');
    await stage.show('restore', 'migrate --yes');
  },

  async function somebodyDropsAnIndex(stage) {
    await stage.setUp(platformTables());
    await stage.run(['migrate']);
    await stage.sql('DROP INDEX idx_llm_providers_has_db_key');
    await stage.show('drift', 'migrate --check');
    await stage.show('force', 'migrate --force');
  },

  async function anotherProgramDidHalf(stage) {
    await stage.setUp(platformTables());
    await stage.sql('ALTER TABLE llm_providers ADD COLUMN encrypted_api_key TEXT');
    await stage.show('partial', 'migrate --check --to 002');
    await stage.show('partial', 'migrate --force');
  },

  async function anotherProgramChoseAnotherType(stage) {
    await stage.setUp(platformTables());
    await stage.sql('ALTER TABLE llm_providers ADD COLUMN encrypted_api_key VARCHAR(400)');
    await stage.show('wrong-shape', 'migrate');
  },

  async function anotherProgramChoseAnotherStatus(stage) {
    await stage.setUp(platformTables());
    await stage.run(['migrate', '--to', '004']);
    await stage.sql(`UPDATE llm_providers SET api_key_test_status = 'ok' WHERE provider_slug = 'groq'`);
    await stage.run(['migrate']);
    await stage.show('odd-status', 'migrate --check');
  },

  async function psqlDidAll(stage) {
    await stage.setUp(platformTables());
    await stage.sql(migrationSql('002'));
    await stage.show('by-hand', 'migrate --check');
    await stage.show('by-hand', 'migrate');
  },

  async function aTransactionEndsInTime(stage) {
    await stage.setUp(platformTables());
    const other = await stage.connect();
    await other.query('BEGIN; SELECT count(*) FROM llm_providers');
    await stage.show('waiting', 'migrate', {
      meanwhile: async (command) => {
        await command.said(/trying again/);
        await other.query('COMMIT');
      },
    });
    await other.end();
  },

  async function aTransactionNeverEnds(stage) {
    await stage.setUp(platformTables());
    const other = await stage.connect();
    await other.query('BEGIN; SELECT count(*) FROM llm_providers');
    await stage.show('lock-timeout', 'migrate');
    await other.end();
  },

  async function aRunnerHangs(stage) {
    await stage.setUp(platformTables());
    const other = await stage.connect();
    await other.query(`SET application_name = 'keyward'; BEGIN; SELECT pg_advisory_xact_lock(8084002)`);
    await stage.show('runner-hangs', 'migrate');
    await other.end();
  },

  async function theWayThereIsBarred(stage) {
    await stage.setUp(platformTables());
    await stage.show('wrong-password', 'migrate', at(stage.url({ secret: 'wrong' })));
    await stage.show('no-database', 'migrate', at(stage.url({ name: 'unicorn' })));
    await stage.show('no-rights', 'migrate', at(stage.url({ user: 'reports' })));
    await stage.sql('CREATE SCHEMA app; CREATE TABLE app.llm_providers (id INTEGER)');
    await stage.show(
      'two-schemas',
      'migrate',
      at(stage.url({ options: '?options=-csearch_path%3Dapp,public' })),
    );
  },

  async function anotherGeneration(stage) {
    await stage.setUp(
      'CREATE TABLE llm_providers (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), name TEXT, type TEXT, enabled BOOLEAN)',
    );
    await stage.show('other-generation', 'migrate');
  },
];
