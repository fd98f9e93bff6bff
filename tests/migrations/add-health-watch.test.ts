/** Migration 010 and its rollback: health beside the keys, without a revision, a version or a foreign change of its own. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { applyUpTo, migration, readCatalogue } from './catalogue.ts';

const apply = migration('010_add_health_watch');
const rollback = migration('010_add_health_watch_rollback');

async function one(client: RawClient, query: string): Promise<unknown> {
  const [row] = await client.query(query);
  return Object.values(row ?? {})[0];
}

const figures = `
  SELECT concat_ws(' ', (SELECT revision FROM keyward_revision), (SELECT count(*) FROM keyward_foreign_changes),
                        (SELECT count(*) FROM keyward_key_versions), (SELECT coalesce(max(revision), 0) FROM keyward_provider_revisions))`;

const policy = `INSERT INTO keyward_key_policies (provider_id, owner, changed_by)
  SELECT id, 'the platform team', 'somebody' FROM llm_providers WHERE provider_slug = 'groq'`;
const channel = `INSERT INTO keyward_alert_channels (name, kind, encrypted_settings, encrypted_under, changed_by)
  VALUES ('chat', 'slack', 'a token', 'a mark', 'somebody')`;

describeOnUsualEngines('migration 010', (client) => {
  beforeEach(async () => applyUpTo(client(), '010'));

  test('health columns move no revision, make no version, and count as no foreign change', async () => {
    await client().exec(
      `UPDATE llm_providers SET encrypted_api_key = 'token', api_key_source = 'database' WHERE provider_slug = 'groq'`,
    );
    const before = await one(client(), figures);
    await client()
      .exec(`UPDATE llm_providers SET health_status = 'unhealthy', health_last_checked = now() AT TIME ZONE 'UTC',
      health_response_time_ms = 12, api_key_last_tested = now() AT TIME ZONE 'UTC'`);
    await client()
      .exec(`INSERT INTO keyward_daily_tests (provider_id, day, due_at) VALUES (1, '2026-02-28', '2026-02-28 02:00');
      INSERT INTO keyward_live_verdicts (provider_id, fingerprint, verdict, calls) VALUES (1, 'f', 'invalid', 1)`);
    expect(await one(client(), figures)).toBe(before);
  });

  test('a policy is a change of its provider, for If-Match; what Keyward counts beside it is none', async () => {
    const revision = `SELECT coalesce((SELECT revision FROM keyward_provider_revisions JOIN llm_providers ON id = provider_id
                        WHERE provider_slug = 'groq'), 0)::int`;
    await client().exec(policy);
    const first = Number(await one(client(), revision));
    expect(first).toBe(Number(await one(client(), 'SELECT revision FROM keyward_revision')));
    await client().exec(`UPDATE keyward_key_policies SET probe_calls = 3`);
    expect(Number(await one(client(), revision))).toBe(first);
    await client().exec(`UPDATE keyward_key_policies SET snoozed_until = '2026-03-01'`);
    expect(Number(await one(client(), revision))).toBe(first + 1);
    expect(
      Number(
        await one(
          client(),
          `SELECT count(*) FROM keyward_foreign_changes WHERE table_name = 'keyward_key_policies'`,
        ),
      ),
    ).toBe(2);
  });

  test('a provider has one test a day, and a cause one open alert', async () => {
    const daily = `INSERT INTO keyward_daily_tests (provider_id, day, due_at) VALUES (1, '2026-02-28', '2026-02-28 02:00')`;
    await client().exec(daily);
    await expect(client().exec(daily)).rejects.toThrow('keyward_daily_tests_pkey');
    const alert = `INSERT INTO keyward_alerts (cause, kind, severity) VALUES ('dead key groq', 'key_dead', 'critical')`;
    await client().exec(alert);
    await expect(client().exec(alert)).rejects.toThrow('idx_keyward_alerts_one_open');
    await client().exec(`UPDATE keyward_alerts SET resolved_at = now() AT TIME ZONE 'UTC'`);
    await client().exec(alert);
  });

  test('the days of a policy come in their order', async () => {
    await expect(
      client().exec(
        `INSERT INTO keyward_key_policies (provider_id, ageing_days, due_days, overdue_days, changed_by) VALUES (1, 90, 75, 120, 'x')`,
      ),
    ).rejects.toThrow('violates check constraint');
  });
});

describeOnUsualEngines('the rollback of migration 010', (client) => {
  test('restores the catalogue, twice in a row', async () => {
    await applyUpTo(client(), '009');
    const before = await readCatalogue(client());
    await client().exec(apply);
    expect(await readCatalogue(client())).not.toEqual(before);
    for (let times = 0; times < 2; times += 1) {
      await client().exec(rollback);
      expect(await readCatalogue(client())).toEqual(before);
    }
  });

  test('keeps policies and channels, also through the rollback of 009 and 008, and gives them back', async () => {
    await applyUpTo(client(), '010');
    const before = await readCatalogue(client());
    await client().exec(policy);
    await client().exec(channel);
    await client().exec(rollback);
    await client().exec(rollback);
    expect(await one(client(), 'SELECT owner FROM keyward_health_saved_key_policies')).toBe(
      'the platform team',
    );
    await client().exec(migration('009_add_encryption_keys_rollback'));
    await client().exec(migration('008_add_key_rotation_rollback'));
    await applyUpTo(client(), '010');
    // A column that went and came back is the last one of its table.
    expect(sorted((await readCatalogue(client())).columns)).toEqual(sorted(before.columns));
    expect({ ...(await readCatalogue(client())), columns: {} }).toEqual({ ...before, columns: {} });
    expect(await one(client(), 'SELECT owner FROM keyward_key_policies')).toBe('the platform team');
    await client().exec(
      `INSERT INTO keyward_alert_channels (name, kind, changed_by) VALUES ('log', 'log', 'somebody')`,
    );
    expect(
      await client().query('SELECT id, name, encrypted_settings FROM keyward_alert_channels ORDER BY id'),
    ).toEqual([
      { id: 1, name: 'chat', encrypted_settings: 'a token' },
      { id: 2, name: 'log', encrypted_settings: null },
    ]);
  });
});

function sorted(definitions: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(definitions).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
