/** The health of keys over HTTP: what is known of each, tests run now, and policies with their conditions. */
import { expect, test } from 'vitest';
import {
  describeAdministered,
  environmentKey,
  firstKey,
  lastEvent,
  type AdminAnswer,
} from '../../support/administered-keyward.ts';

const health = '/api/v1/admin/providers/openrouter/health';
const policy = '/api/v1/admin/providers/openrouter/key-policy';

const warningsIn = ({ body }: AdminAnswer): unknown[] =>
  (body['warnings'] as { kind: string; severity: string }[]).map(({ kind, severity }) => [kind, severity]);

describeAdministered('the health of the keys', (here) => {
  test('a key that was never heard of is unknown, and healthy once it was tested', async () => {
    const { call, onKey, keyward } = here();
    await keyward.sql('DELETE FROM keyward_key_tests');
    expect((await call(`GET ${health}`)).body).toMatchObject({
      provider: 'openrouter',
      source: 'environment',
      health: 'unknown',
      verdict: null,
      last_test: null,
      key_age_days: null,
      key_age_state: null,
      warnings: [],
      missed_days: [],
    });
    await onKey('POST test-key');
    expect((await call(`GET ${health}`)).body).toMatchObject({
      health: 'healthy',
      verdict: 'valid',
      key_age_days: 0,
      key_age_is_least: true,
      key_age_state: 'fresh',
      last_test: { verdict: 'valid', asked_by: expect.any(String) },
    });
    const [row] = await keyward.sql<Record<string, unknown>>(
      `SELECT health_status, health_last_checked IS NOT NULL AS checked, health_response_time_ms >= 0 AS took
         FROM llm_providers WHERE provider_slug = 'openrouter'`,
    );
    expect(row).toEqual({ health_status: 'healthy', checked: true, took: true });
  });

  test('all of them together, counted, without a key of anybody', async () => {
    const { call, onKey, provider } = here();
    provider.revoke(environmentKey);
    await onKey('POST test-key');
    const { body, text, status } = await call('GET /api/v1/admin/health');
    expect(status).toBe(200);
    expect(body).toMatchObject({ counts: { healthy: 0, degraded: 0, unhealthy: 1, unknown: 0 } });
    const data = body['data'] as { provider: string; fingerprint: string | null; reason: string }[];
    expect(data).toHaveLength(12);
    expect(data.find((one) => one.provider === 'groq')).toMatchObject({
      source: null,
      fingerprint: null,
      health: 'unknown',
      reason: expect.stringContaining('GROQ_API_KEY is not set'),
    });
    expect(text).not.toContain(environmentKey);
    const metrics = await (await fetch(`${here().keyward.server.url}/metrics`)).text();
    expect(metrics).toContain('keyward_health_status{provider="openrouter",status="unhealthy"} 1');
    expect(metrics).toContain('keyward_key_status{provider="openrouter",state="fresh"} 1');
    expect(metrics).toContain('keyward_key_age_seconds{provider="openrouter",source="environment"} 0');
    expect(metrics).not.toContain('provider="groq",status');
  });

  test('the age of a stored key counts from its first version, and warns as its policy says', async () => {
    const { call, keyward, clock } = here();
    await keyward.setProvider('openrouter', {
      encrypted_api_key: keyward.encrypt(firstKey),
      api_key_source: 'database',
    });
    await expect
      .poll(async () => keyward.sql('SELECT 1 FROM keyward_key_versions WHERE fingerprint IS NULL'))
      .toEqual([]);
    const since = new Date(clock.now().getTime() - 91 * 86_400_000);
    await keyward.sql(`UPDATE keyward_key_versions SET created_at = $1 WHERE state = 'active'`, [since]);
    const told = await call(`GET ${health}`);
    expect(told.body).toMatchObject({
      source: 'database',
      key_since: since.toISOString(),
      key_age_days: 91,
      key_age_is_least: false,
      key_age_state: 'due',
    });
    expect(warningsIn(told)).toEqual([
      ['key_due', 'warning'],
      ['key_overdue', 'info'],
    ]);
    // Encrypted anew, or stored by another program, it is the same key.
    await keyward.setProvider('openrouter', { encrypted_api_key: keyward.encrypt(firstKey) });
    await expect.poll(async () => (await call(`GET ${health}`)).body['key_age_days']).toBe(91);
    expect((await call(`POST ${policy}/snooze`, { body: { days: 7 } })).code).toBe('reason_required');
    await call(`POST ${policy}/snooze`, { body: { days: 7, reason: 'its provider is closing' } });
    expect(warningsIn(await call(`GET ${health}`))).toEqual([]);
    clock.pass(7 * 86_400_000);
    expect(warningsIn(await call(`GET ${health}`))).toHaveLength(2);
    await call(`POST ${policy}/snooze`, { body: { days: 0 } });
    expect((await call(`GET ${policy}`)).body).toMatchObject({ snoozed_until: null, snooze_reason: null });
  });

  test('a policy is set under If-Match, audited, and in the order of its days', async () => {
    const { call } = here();
    const revisionOf = async (): Promise<number> =>
      Number((await call('GET /api/v1/admin/providers/openrouter')).body['revision']);
    const before = await revisionOf();
    const set = await call(`PUT ${policy}`, {
      body: { due_days: 60, owner: 'the platform team', reason: 'a contract' },
      headers: { 'if-match': `"${before}"` },
    });
    expect(set.body).toMatchObject({
      policy: { ageing_days: 50, due_days: 60, overdue_days: 120, owner: 'the platform team' },
      revision: await revisionOf(),
    });
    expect(await lastEvent(here())).toMatchObject({
      action: 'policy.changed',
      target: { kind: 'provider', id: 'openrouter' },
      reason: 'a contract',
      before: { due_days: 90, owner: null },
      after: { due_days: 60, owner: 'the platform team' },
    });
    const late = await call(`PUT ${policy}`, {
      body: { due_days: 70 },
      headers: { 'if-match': `"${before}"` },
    });
    expect(late.code).toBe('revision_mismatch');
    expect((await call(`PUT ${policy}`, { body: { ageing_days: 80 } })).code).toBe('field_invalid');
    expect(
      (await call(`PUT ${policy}`, { body: { due_days: null, ageing_days: null, owner: null } })).body,
    ).toMatchObject({
      policy: { ageing_days: 75, due_days: 90, overdue_days: 120, owner: null },
    });
    const paid = await call(`PUT ${policy}`, { body: { probe: { model: 'some/model', monthly_calls: 5 } } });
    expect(paid.body).toMatchObject({
      policy: {
        probe: {
          model: 'some/model',
          monthly_calls: 5,
          month: null,
          calls_made: 0,
          estimated_usd_per_call: null,
          estimated_usd_per_month: null,
        },
      },
    });
    expect(await lastEvent(here())).toMatchObject({
      action: 'policy.changed',
      before: { probe_model: null },
      after: { probe_model: 'some/model', probe_monthly_calls: 5 },
    });
    expect((await call(`PUT ${policy}`, { body: { probe: null } })).body).toMatchObject({
      policy: { probe: null },
    });
    expect((await call('GET /api/v1/admin/providers/nobody/key-policy')).code).toBe('provider_not_found');
  });

  test('the tests of today are run when somebody asks, recorded with who did, and seen', async () => {
    const { call, provider, clock } = here();
    const before = provider.requests.length;
    const asked = await call('POST /api/v1/admin/health/tests/run', {
      body: { reason: 'before the weekend' },
    });
    expect(asked.body['data']).toMatchObject([
      { provider: 'openrouter', day: clock.now().toISOString().slice(0, 10), asked_by: expect.any(String) },
    ]);
    expect(await lastEvent(here())).toMatchObject({
      action: 'health.run_asked',
      reason: 'before the weekend',
      after: { providers: ['openrouter'] },
    });
    await expect
      .poll(async () => (await call('GET /api/v1/admin/health/tests')).body['data'])
      .toMatchObject([{ provider: 'openrouter', state: 'done', verdict: 'valid' }]);
    expect(provider.requests).toHaveLength(before + 1);
    const { body } = await call('GET /api/v1/admin/providers/openrouter/tests?limit=1');
    expect(body['data']).toMatchObject([{ asked_by: expect.stringMatching(/^the daily test, asked by /) }]);
    expect((await call(`GET ${health}`)).body).toMatchObject({ daily_test: { state: 'done' } });
    const status = await call('GET /api/v1/admin/status');
    expect(status.body['jobs']).toEqual(
      [
        'the daily tests of the keys',
        'rotations, their schedules, and the keys at the providers',
        'alerts and their messages',
        'what changed in the database, for the snapshot',
        'changes of other programs, into the audit trail',
        'the head of the audit trail, into its anchor',
        'what calls said of keys',
        'what rotations served',
        'keys that other programs stored, by their masks',
      ].map((name): unknown => expect.objectContaining({ name, problem: null })),
    );
    expect(
      (await call('POST /api/v1/admin/health/tests/run', { body: { providers: ['nobody'] } })).code,
    ).toBe('provider_not_found');
  });
});
