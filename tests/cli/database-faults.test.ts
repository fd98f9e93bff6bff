/** A database that does not let a command do its work is one clear line with what to do, never a stack trace. */
import { expect, it, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { runKeyward } from '../support/keyward-process.ts';
import { useMigratingCases } from '../support/migrating-cases.ts';
import { stages } from '../support/migration-stages.ts';

vi.setConfig({ testTimeout: 60_000 });

const newCase = useMigratingCases();
const newest = stages.at(-1) ?? '';

it('a role without rights is told what it may not, and what to do', async () => {
  const found = await newCase(newest);
  await found.sql(`CREATE ROLE keyward_faults LOGIN PASSWORD 'weak'`);
  const url = new URL(found.url);
  url.username = 'keyward_faults';
  url.password = 'weak';
  try {
    const listed = async () =>
      runKeyward(['keys', 'list'], {
        ...found.environment,
        DATABASE_URL: url.href,
        BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal(),
      });
    expect(await listed()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('GRANT SELECT ON keyward_migrations TO keyward_faults') as string,
    });
    await found.sql('GRANT SELECT ON keyward_migrations TO keyward_faults');
    expect(await listed()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^keyward: The database refused: permission denied for table \w+\. Connect as the role that owns the tables, or grant this one the rights\.\n$/,
      ) as string,
    });
  } finally {
    await found.sql('DROP OWNED BY keyward_faults; DROP ROLE keyward_faults');
  }
});

it('a table that was dropped is named, with the command that tells more', async () => {
  const found = await newCase(newest);
  await found.sql('DROP TABLE llm_providers CASCADE');
  const ended = await runKeyward(['keys', 'list'], {
    ...found.environment,
    BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal(),
  });
  expect(ended).toMatchObject({
    exitCode: 1,
    stderr:
      'keyward: The database refused: relation "llm_providers" does not exist. See what is missing with: keyward migrate --check\n',
  });
});
