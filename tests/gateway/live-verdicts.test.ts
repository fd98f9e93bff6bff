/** What callers' calls say of the key: one that is refused is marked and tested at once; nothing else marks any. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KeywardError } from '../../src/foundation/errors.ts';
import { verdictOfOutcome, verdictOfRefusal } from '../../src/gateway/live-verdict.ts';
import { refusals } from '../support/stand-in-behaviour.ts';
import { json } from '../support/stand-in-wires.ts';
import { rotatingKey } from '../support/rotating.ts';
import { startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

describe('what a call says of its key', () => {
  test.each([
    [401, 'invalid', 'invalid'],
    [400, 'invalid', 'invalid'],
    [403, 'compromised', 'compromised'],
    [402, 'out_of_credit', 'out_of_credit'],
    [429, 'rate_limited', 'rate_limited'],
    [503, 'unreachable', 'unreachable'],
    // About the model, the text, or nobody knows what.
    [403, 'invalid', null],
    [403, 'restricted', null],
    [401, 'unknown', null],
    [404, 'unknown', null],
    [451, 'region_blocked', null],
  ] as const)('an answer %i that is read as %s: %s', (status, verdict, said) => {
    expect(verdictOfRefusal({ status, verdict, message: '' })).toBe(said);
  });

  test('a good answer is proof of life; a caller who left, and what a provider redirects, says nothing', () => {
    expect(verdictOfOutcome(200, null)).toBe('valid');
    expect(verdictOfOutcome(499, null)).toBeNull();
    expect(verdictOfOutcome(404, null)).toBeNull();
    expect(verdictOfOutcome(502, new KeywardError('provider_unreachable'))).toBe('unreachable');
    expect(verdictOfOutcome(502, new KeywardError('provider_key_rejected'))).toBeNull();
    expect(verdictOfOutcome(503, new KeywardError('not_ready'))).toBeNull();
  });
});

describe.each(['embedded', 'postgres'] as const)('while callers call (%s)', (engine) => {
  let turn = 0;
  let key: string;
  let keyward: RunningKeyward;
  let provider: StandInProvider;

  beforeAll(async () => {
    provider = await startStandInProvider({ keys: [] });
    keyward = await startKeyward({ engine, env: { OPENROUTER_BASE_URL: provider.baseUrl } });
  });
  afterAll(async () => {
    await keyward.stop();
    await provider.close();
  });
  beforeEach(async () => {
    // A key that was refused in a row is left alone for a moment, and each test is of its own.
    turn += 1;
    key = rotatingKey(turn);
    provider.behave({});
    provider.setKeys([key]);
    await keyward.sql('DELETE FROM keyward_live_verdicts');
    await keyward.sql('DELETE FROM keyward_key_tests');
    await keyward.setProvider('openrouter', {
      encrypted_api_key: null,
      api_key_source: 'database',
      health_status: 'unknown',
    });
    await keyward.setProvider('openrouter', {
      encrypted_api_key: keyward.encrypt(key),
      api_key_test_status: 'valid',
    });
  });

  const columns = async (): Promise<unknown> => {
    const [row] = await keyward.sql<Record<string, unknown>>(
      `SELECT health_status, api_key_test_status FROM llm_providers WHERE provider_slug = 'openrouter'`,
    );
    return row;
  };
  const tests = async (): Promise<unknown> =>
    keyward.sql('SELECT verdict, asked_by FROM keyward_key_tests ORDER BY id');

  test('a refused key is marked and tested within seconds, once, however many calls are refused', async () => {
    provider.setKeys([]);
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await keyward.chat()).status));
    expect(new Set(statuses)).toEqual(new Set([502]));
    await expect
      .poll(tests, { timeout: 8_000 })
      .toEqual([{ verdict: 'invalid', asked_by: 'a refused call' }]);
    expect(await columns()).toEqual({ health_status: 'unhealthy', api_key_test_status: 'invalid' });
    const events = await keyward.sql(
      `SELECT action FROM keyward_audit_events WHERE action IN ('provider.key_refused', 'provider.key_tested') ORDER BY sequence`,
    );
    expect(events).toEqual([{ action: 'provider.key_refused' }, { action: 'provider.key_tested' }]);
  });

  test('a refusal of calls alone, which the test does not bear out, leaves the key as it was', async () => {
    const answer = json(401, { error: { message: 'User not found.', code: 401 } });
    provider.behave({ on: 'chat', answer });
    expect((await keyward.chat()).status).toBe(502);
    await expect.poll(tests, { timeout: 8_000 }).toEqual([{ verdict: 'valid', asked_by: 'a refused call' }]);
    expect(await columns()).toEqual({ health_status: 'healthy', api_key_test_status: 'valid' });
  });

  test.each([
    ['a rate limit', refusals.rateLimited],
    ['no credit', refusals.paymentRequired],
    ['an outage', refusals.serverError],
    ['a page of a proxy', refusals.badGatewayPage],
  ])('%s marks nothing and has nothing tested', async (_, answer) => {
    provider.behave({ on: 'chat', answer });
    await keyward.chat();
    await keyward.chat();
    expect(await tests()).toEqual([]);
    expect(await columns()).toMatchObject({ api_key_test_status: 'valid' });
  });
});
