/** Trouble is what is proven or plainly there: an outage, a rate limit and a doubt make no key dead. */
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { readTroubles } from '../../src/keys/troubles.ts';
import type { Verdict } from '../../src/providers/verdict.ts';
import { changePartsOn } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock } from '../support/manual-clock.ts';
import { servedProvider, snapshotOf } from '../support/snapshot-parts.ts';

const groqKey = ['gsk', 'Qw7x'.repeat(13)].join('_');
const now = new Date('2026-03-01T09:00:00.000Z');
const hourMs = 3_600_000;

describeOnUsualDatabases('troubles', (opened) => {
  const run = async (text: string): Promise<unknown> => sql.raw(text).execute(opened().database.kysely);
  let parts: KeyActParts;
  let fingerprint: string;
  beforeEach(async () => {
    const environment = { GROQ_API_KEY: groqKey };
    const { database } = opened();
    const changes = await changePartsOn(database, undefined, environment);
    parts = { changes, config: loadConfig(environment), database, clock: manualClock(now) };
    fingerprint = changes.fingerprinter.of(new Secret(groqKey));
  });
  const troubles = async (changes: Parameters<typeof servedProvider>[1] = {}) => {
    const found = await readTroubles(parts, snapshotOf([servedProvider('groq', changes)]));
    return found.troubles.map(({ kind, slug, since }) => [kind, slug, since?.toISOString() ?? null]);
  };
  const tested = async (verdict: Verdict, at = now, of = fingerprint): Promise<void> => {
    await opened()
      .database.kysely.insertInto('keyward_key_tests')
      .values({
        provider_slug: 'groq',
        fingerprint: of,
        source: 'environment',
        verdict,
        code: null,
        message: 'it said so',
        advice: '',
        http_status: 401,
        response_time_ms: 1,
        asked_by: 'a test',
        tested_at: at,
      })
      .execute();
  };

  it.each([
    ['invalid', 'key_dead'],
    ['compromised', 'key_dead'],
    ['out_of_credit', 'key_out_of_credit'],
    ['unreachable', 'provider_unreachable'],
    ['rate_limited', undefined],
    ['region_blocked', undefined],
    ['restricted', undefined],
    ['unknown', undefined],
    ['valid', undefined],
  ] as const)('the last test of the serving key says %s: %s', async (verdict, kind) => {
    await tested('valid', new Date(now.getTime() - hourMs));
    await tested(verdict);
    expect(await troubles()).toEqual(kind === undefined ? [] : [[kind, 'groq', now.toISOString()]]);
  });

  it('a key without credit is told with where credit is bought', async () => {
    await tested('out_of_credit');
    await run("UPDATE keyward_key_tests SET advice = 'Top up at https://groq.example.com/billing.'");
    const {
      troubles: [found],
    } = await readTroubles(parts, snapshotOf([servedProvider('groq')]));
    expect(found?.why).toBe('it said so Top up at https://groq.example.com/billing.');
  });

  it('a key that was proven dead stays so while its provider does not answer', async () => {
    await tested('invalid', new Date(now.getTime() - hourMs));
    await tested('unreachable');
    expect(await troubles()).toEqual([['key_dead', 'groq', '2026-03-01T08:00:00.000Z']]);
  });

  it('what is coming for a key is told with whose it is', async () => {
    await tested('valid', new Date(now.getTime() - 100 * 24 * hourMs));
    await run(
      `INSERT INTO keyward_key_policies (provider_id, owner, changed_by)
       SELECT id, 'the platform team', 'a test' FROM llm_providers WHERE provider_slug = 'groq'`,
    );
    const { coming } = await readTroubles(parts, snapshotOf([servedProvider('groq')]));
    expect(coming.map(({ slug, owner, warning: { kind } }) => [kind, slug, owner])).toEqual([
      ['key_due', 'groq', 'the platform team'],
      ['key_overdue', 'groq', 'the platform team'],
    ]);
  });

  it('a test of another key than the one that serves says nothing of it', async () => {
    await tested('invalid', now, 'fp_000000000002');
    expect(await troubles()).toEqual([]);
  });

  it('a provider that did not answer two days ago may well answer now', async () => {
    await tested('unreachable', new Date(now.getTime() - 48 * hourMs));
    expect(await troubles()).toEqual([]);
  });

  it('a stored key that is proven dead is trouble also where another one serves in its place', async () => {
    await run(
      "UPDATE llm_providers SET api_key_source = 'hybrid', encrypted_api_key = 'x' WHERE provider_slug = 'groq'",
    );
    await run(
      "UPDATE llm_providers SET api_key_test_status = 'invalid', api_key_last_tested = '2026-02-01T00:00:00' WHERE provider_slug = 'groq'",
    );
    expect(await troubles()).toEqual([['key_dead', 'groq', '2026-02-01T00:00:00.000Z']]);
  });

  it('a stored key that answers again is none, though no test has taken the mark away yet', async () => {
    const token = parts.changes.ring.encrypt(new Secret(groqKey));
    await run(
      `UPDATE llm_providers SET api_key_source = 'database', encrypted_api_key = '${token}' WHERE provider_slug = 'groq'`,
    );
    await run("UPDATE llm_providers SET api_key_test_status = 'invalid' WHERE provider_slug = 'groq'");
    expect(await troubles()).toMatchObject([['key_dead', 'groq', null]]);
    await tested('valid');
    expect(await troubles()).toEqual([]);
  });

  it('a stored key that cannot be decrypted is trouble where it should serve', async () => {
    const unreadable = { storedKeyUnreadable: true };
    await run("UPDATE llm_providers SET api_key_source = 'environment' WHERE provider_slug = 'groq'");
    expect(await troubles(unreadable)).toEqual([]);
    await run("UPDATE llm_providers SET api_key_source = 'database' WHERE provider_slug = 'groq'");
    expect(await troubles(unreadable)).toEqual([['key_unreadable', 'groq', null]]);
  });

  it('an inactive provider has none', async () => {
    await tested('invalid');
    await run("UPDATE llm_providers SET is_active = false WHERE provider_slug = 'groq'");
    expect(await troubles()).toEqual([]);
  });

  it('a day whose test was missed is trouble until a later one was done', async () => {
    const day = async (date: string, state: string) =>
      run(
        `INSERT INTO keyward_daily_tests (provider_id, day, due_at, state)
         SELECT id, '${date}', '${date}T03:00:00', '${state}' FROM llm_providers WHERE provider_slug = 'groq'`,
      );
    await day('2026-02-26', 'missed');
    await day('2026-02-27', 'done');
    await day('2026-02-28', 'missed');
    await day('2026-03-01', 'waiting');
    expect(await troubles()).toEqual([['daily_test_missed', 'groq', '2026-02-28T03:00:00.000Z']]);
    const withKey = parts;
    const changes = await changePartsOn(opened().database, undefined, {});
    parts = { ...parts, changes, config: loadConfig({}) };
    expect(await troubles(), 'without a key there is nothing to miss').toEqual([]);
    parts = withKey;
    await run("UPDATE keyward_daily_tests SET state = 'done' WHERE day = '2026-03-01'");
    expect(await troubles()).toEqual([]);
  });

  it('a schedule that has stopped is trouble', async () => {
    await run(
      `INSERT INTO keyward_rotation_schedules (provider_id, every_days, changed_by, stopped_because)
       SELECT id, 30, 'a test', 'it failed' FROM llm_providers WHERE provider_slug = 'groq'`,
    );
    expect(await troubles()).toEqual([['rotation_schedule_stopped', 'groq', null]]);
  });
});
