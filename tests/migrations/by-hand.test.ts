/** Every file in migrations/ stands on its own for psql, without any option: it does all of what it says, or nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readMigrations } from '../../src/database/migrations/migration-files.ts';
import { runByHand } from '../support/by-hand.ts';
import { describeOnUsualEngines } from '../support/engines.ts';
import { applyUpTo, readCatalogue } from './catalogue.ts';

const directory = new URL('../../migrations/', import.meta.url);
const files = readdirSync(directory).filter((file) => file.endsWith('.sql'));
const textOf = (file: string): string => readFileSync(new URL(file, directory), 'utf8');
const rollbacks = files.filter((file) => file.endsWith('_rollback.sql'));
const rollbackOf = (version: string): string => rollbacks.find((file) => file.startsWith(version)) ?? '';
const versions = readMigrations().map(({ version }) => version);

describeOnUsualEngines('psql -f', (client) => {
  test('applies all files in order, twice, and takes them back in order, each without an error', async () => {
    const applies = files.filter((file) => !file.endsWith('_rollback.sql'));
    for (const file of [...applies, ...applies])
      expect({ file, errors: await runByHand(client(), textOf(file)) }).toEqual({ file, errors: [] });
    for (const file of rollbacks.toReversed())
      expect({ file, errors: await runByHand(client(), textOf(file)) }).toEqual({ file, errors: [] });
    expect((await readCatalogue(client())).columns).toEqual({});
  });

  test.each([
    ['002', ['012', '011', '010', '009', '008', '007', '006', '005', '004']],
    ['004', ['012', '011', '010', '009', '008', '007', '006', '005']],
    ['005', ['012', '011', '010', '009', '008', '007', '006']],
    ['006', ['012', '011', '010', '009', '008', '007']],
    ['007', ['012', '011', '010', '009', '008']],
    ['008', ['012', '011', '010', '009']],
    ['009', ['012', '011', '010']],
    ['010', ['012', '011']],
    ['011', ['012']],
  ])(
    'out of order, the rollback of %s names %s before anything else, and changes nothing',
    async (version, later) => {
      await applyUpTo(client(), versions.at(-1) ?? '');
      for (let left = later; left.length > 0; left = left.slice(1)) {
        const before = await readCatalogue(client());
        const errors = await runByHand(client(), textOf(rollbackOf(version)));
        expect(errors).toEqual([
          expect.stringMatching(
            new RegExp(
              `^migration ${version} cannot be rolled back while later ones are there: ${left.join(', ')} .*in the order`,
            ),
          ),
        ]);
        expect(await readCatalogue(client())).toEqual(before);
        await runByHand(client(), textOf(rollbackOf(left[0] ?? '')));
      }
      expect(await runByHand(client(), textOf(rollbackOf(version)))).toEqual([]);
    },
  );

  test('an apply that fails its own verification leaves nothing of itself', async () => {
    await applyUpTo(client(), '001');
    await client().exec('CREATE INDEX idx_llm_providers_has_db_key ON llm_providers (id)');
    const before = await readCatalogue(client());
    const errors = await runByHand(client(), textOf('002_add_system_api_keys.sql'));
    expect(errors).toContainEqual(expect.stringContaining('migration 002 is not in place'));
    expect(await readCatalogue(client())).toEqual(before);
  });

  test.each(versions.slice(1))('%s, before what it builds on, leaves nothing of itself', async (version) => {
    const file = files.find((one) => one.startsWith(version)) ?? '';
    expect(await runByHand(client(), textOf(file))).not.toEqual([]);
    expect((await readCatalogue(client())).columns).toEqual({});
  });
});
