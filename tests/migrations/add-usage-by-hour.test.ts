/** Migration 012 and its rollback: usage by hour, and a setting that is observed like the others of its provider. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { applyUpTo, migration, readCatalogue } from './catalogue.ts';

const apply = migration('012_add_usage_by_hour');
const rollback = migration('012_add_usage_by_hour_rollback');

async function one(client: RawClient, query: string): Promise<unknown> {
  const [row] = await client.query(query);
  return Object.values(row ?? {})[0];
}

const revision = async (client: RawClient): Promise<number> =>
  Number(await one(client, 'SELECT revision FROM keyward_revision'));
const update = (assignments: string): string =>
  `UPDATE llm_providers SET ${assignments} WHERE provider_slug = 'groq'`;
const revisionOfGroq = async (client: RawClient): Promise<number> =>
  Number(
    await one(
      client,
      `SELECT revision FROM keyward_provider_revisions JOIN llm_providers ON id = provider_id WHERE provider_slug = 'groq'`,
    ),
  );
const notes = async (client: RawClient): Promise<unknown> =>
  client.query(
    `SELECT operation, row_before -> 'is_byok_supported' AS before, row_after -> 'is_byok_supported' AS after
       FROM keyward_foreign_changes ORDER BY id`,
  );

describeOnUsualEngines('migration 012', (client) => {
  beforeEach(async () => applyUpTo(client(), '012'));

  test('whether users may bring keys moves the revision, that of the provider too, and is noted once', async () => {
    const before = await revision(client());
    await client().exec(update('is_byok_supported = FALSE'));
    expect(await revision(client())).toBe(before + 1);
    expect(await revisionOfGroq(client())).toBe(before + 1);
    await client().exec(update('is_byok_supported = FALSE'));
    expect(await revision(client())).toBe(before + 1);
    await client().exec(update('is_byok_supported = NULL, is_active = FALSE'));
    expect(await revisionOfGroq(client())).toBe(before + 2);
    expect(await notes(client())).toEqual([
      { operation: 'UPDATE', before: true, after: false },
      { operation: 'UPDATE', before: false, after: null },
    ]);
  });

  test('an hour of a provider is one row, and moves no revision', async () => {
    const before = await revision(client());
    const hour = `INSERT INTO keyward_usage_hourly (hour, provider, requests) VALUES ('2026-03-01 09:00', 'groq', 1)`;
    await client().exec(hour);
    await expect(client().exec(hour)).rejects.toThrow('keyward_usage_hourly_pkey');
    expect(await revision(client())).toBe(before);
    expect(await notes(client())).toEqual([]);
  });
});

describeOnUsualEngines('the rollback of migration 012', (client) => {
  test('restores the catalogue, triggers as 007 left them, each file twice in a row', async () => {
    await applyUpTo(client(), '011');
    const before = await readCatalogue(client());
    await client().exec(apply);
    const applied = await readCatalogue(client());
    expect(applied.triggers).not.toEqual(before.triggers);
    await client().exec(apply);
    expect(await readCatalogue(client())).toEqual(applied);
    await client().exec(update('is_byok_supported = FALSE'));
    for (let times = 0; times < 2; times += 1) {
      await client().exec(rollback);
      expect(await readCatalogue(client())).toEqual(before);
    }
    // The setting stays, and what was observed before is observed still.
    expect(
      await one(client(), `SELECT is_byok_supported FROM llm_providers WHERE provider_slug = 'groq'`),
    ).toBe(false);
    const moved = await revision(client());
    await client().exec(update('is_byok_supported = TRUE'));
    expect(await revision(client())).toBe(moved);
    await client().exec(update('is_active = FALSE'));
    expect(await revision(client())).toBe(moved + 1);
    expect(await revisionOfGroq(client())).toBe(moved + 1);
    expect(await notes(client())).toHaveLength(2);
    await client().exec(apply);
    expect(await readCatalogue(client())).toEqual(applied);
  });
});
