/** Idempotency-Key: a write that is repeated is done once and answered twice, also across a killed server. */
import { expect, describe, test } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { callAdmin, describeAdministered, firstKey, secondKey } from '../support/administered-keyward.ts';
import { signIn } from '../support/administrators.ts';
import { usualEngines } from '../support/depth.ts';
import { startServerProcess } from '../support/keyward-process.ts';
import { newPlace, startKeyward } from '../support/running-keyward.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';

const providers = '/api/v1/admin/providers';
const keyed = (key: string): { 'idempotency-key': string } => ({ 'idempotency-key': key });
const ours = (slug: string) => ({ slug, display_name: slug, base_url: 'https://llm.example.com/v1' });

describeAdministered('a write with an Idempotency-Key', (here) => {
  test('is done once: the repetition gets the same answer, to the byte, and says that it is one', async () => {
    const { call, keyward } = here();
    const request = { body: ours('once'), headers: keyed('k-once') };
    const first = await call(`POST ${providers}`, request);
    const revision = keyward.snapshot.revision;
    const second = await call(`POST ${providers}`, request);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.text).toBe(first.text);
    expect([first, second].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    await keyward.caughtUp();
    expect(keyward.snapshot.revision).toBe(Math.max(revision, Number(first.body['revision'])));
    // Without the key it is another request.
    expect((await call(`POST ${providers}`, { body: ours('once') })).status).toBe(409);
  });

  test('of any number at once is done once', async () => {
    const { call, keyward } = here();
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () =>
        call(`POST ${providers}`, { body: ours('at-once'), headers: keyed('k-at-once') }),
      ),
    );
    expect(answers.every(({ status, code }) => status === 201 || code === 'idempotency_in_progress')).toBe(
      true,
    );
    const busy = answers.filter(({ status }) => status === 409);
    expect(busy.every(({ headers }) => headers.get('retry-after') === '1')).toBe(true);
    const events = await keyward.sql(
      "SELECT FROM keyward_audit_events WHERE action = 'provider.created' AND target_id = 'at-once'",
    );
    expect(events).toHaveLength(1);
  });

  test.each([
    ['another body', `POST ${providers}/groq/set-key`, { api_key: secondKey, skip_test: true }],
    ['another address', `POST ${providers}/xai/set-key`, { api_key: firstKey, skip_test: true }],
    [
      'another parameter',
      `POST ${providers}/groq/set-key?wait=applied`,
      { api_key: firstKey, skip_test: true },
    ],
  ] as const)('is refused for %s, which is not done', async (_what, request, body) => {
    const { call } = here();
    const headers = keyed(`k-mismatch`);
    await call(`POST ${providers}/groq/set-key`, { body: { api_key: firstKey, skip_test: true }, headers });
    const before = await call(`GET ${providers}?limit=200`);
    const other = await call(request, { body, headers });
    expect([other.status, other.code]).toEqual([409, 'idempotency_mismatch']);
    expect((await call(`GET ${providers}?limit=200`)).body).toEqual(before.body);
  });

  test('that was refused gets its refusal again, even when it could be done now', async () => {
    const { call } = here();
    const request = { body: { display_name: 'Late' }, headers: keyed('k-refused') };
    const first = await call(`PATCH ${providers}/later`, request);
    await call(`POST ${providers}`, { body: ours('later') });
    const second = await call(`PATCH ${providers}/later`, request);
    expect([first.status, second.status]).toEqual([404, 404]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  test('that came too often or could not be recorded is done when it is repeated', async () => {
    const { onKey, clock, keyward } = here();
    await onKey('POST test-key');
    const request = { body: { api_key: firstKey }, headers: keyed('k-again') };
    expect((await onKey('POST set-key', request)).status).toBe(429);
    clock.pass(2_000);
    await keyward.sql(
      'ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (sequence < 0) NOT VALID',
    );
    const broken = await onKey('POST set-key', request);
    expect([broken.status, broken.code]).toEqual([503, 'audit_unavailable']);
    await keyward.sql('ALTER TABLE keyward_audit_events DROP CONSTRAINT planted');
    clock.pass(2_000);
    expect((await onKey('POST set-key', request)).status).toBe(200);
  });

  test('is remembered for a day, and then forgotten', async () => {
    const { call, clock, keyward } = here();
    const request = { headers: keyed('k-day') };
    await call(`DELETE ${providers}/groq/remove-key`, request);
    clock.pass(23 * 3_600_000);
    expect(
      (await call(`DELETE ${providers}/groq/remove-key`, request)).headers.get('idempotency-replayed'),
    ).toBe('true');
    clock.pass(2 * 3_600_000);
    expect(
      (await call(`DELETE ${providers}/groq/remove-key`, request)).headers.get('idempotency-replayed'),
    ).toBeNull();
    expect(await keyward.sql('SELECT FROM keyward_idempotency_keys')).toHaveLength(1);
  });

  test('leaves no key in the database, not even a hash that could be tried without the installation', async () => {
    const { onKey, keyward } = here();
    await onKey('POST set-key', { body: { api_key: firstKey, skip_test: true }, headers: keyed('k-secret') });
    const [row] = await keyward.sql<Record<string, string>>(
      "SELECT * FROM keyward_idempotency_keys WHERE key = 'k-secret'",
    );
    expect(row?.['request_hash']).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(firstKey.slice(9, 40));
  });

  test('that makes a token shows it again to whoever made it, and not to the database', async () => {
    const { call, keyward } = here();
    const request = { body: { name: 'lost on the way' }, headers: keyed('k-token') };
    const first = await call('POST /api/v1/admin/tokens', request);
    const second = await call('POST /api/v1/admin/tokens', request);
    expect([first.status, second.text]).toEqual([201, first.text]);
    const token = String(first.body['token']);
    expect(token).toMatch(/^kwg_/);
    const rows = await keyward.sql('SELECT * FROM keyward_idempotency_keys');
    expect(JSON.stringify(rows)).not.toContain(token.slice(4, 12));
    expect(JSON.stringify(rows)).not.toContain('lost on the way');
    // Another administrator who hits on the same key makes a token of their own.
    const other = await call('POST /api/v1/admin/tokens', { body: { name: 'chief', kind: 'admin' } });
    const theirs = await call('POST /api/v1/admin/tokens', {
      ...request,
      token: String(other.body['token']),
    });
    expect(theirs.status).toBe(201);
    expect(theirs.body['id']).not.toBe(first.body['id']);
  });

  test('whose answer cannot be read any more is not done again, and says so', async () => {
    const { call, keyward } = here();
    const request = { body: { name: 'under an old ring' }, headers: keyed('k-old-ring') };
    await call('POST /api/v1/admin/tokens', request);
    const otherRing = KeyRing.parse(generateEncryptionKey()).encrypt(new Secret('{}'));
    await keyward.sql("UPDATE keyward_idempotency_keys SET answer = $1 WHERE key = 'k-old-ring'", [
      otherRing,
    ]);
    const repeated = await call('POST /api/v1/admin/tokens', request);
    expect([repeated.status, repeated.code]).toEqual([409, 'idempotency_answer_lost']);
    const made = await keyward.sql("SELECT FROM keyward_tokens WHERE name = 'under an old ring'");
    expect(made).toHaveLength(1);
  });

  test('whose answer is empty is repeated as it was', async () => {
    const { call, keyward } = here();
    const { id } = await signIn(keyward);
    const end = async () => call(`DELETE /api/v1/admin/sessions/${id}`, { headers: keyed('k-session') });
    const [first, second] = [await end(), await end()];
    expect([first.status, first.text, second.status, second.text]).toEqual([204, '', 204, '']);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await call(`DELETE /api/v1/admin/sessions/${id}`)).status).toBe(404);
  });

  test.each([
    ['', 'empty'],
    ['x'.repeat(201), 'too long'],
    ['a\u00e9', 'not ASCII'],
  ])('that is %j (%s) is refused', async (key) => {
    const { status, body } = await here().call(`DELETE ${providers}/groq/remove-key`, {
      headers: keyed(key),
    });
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ code: 'header_invalid', param: 'Idempotency-Key' });
  });
});

describe.each(usualEngines)('a server that is killed in the middle (%s)', (engine) => {
  test(
    'leaves a claim that is refused while the request could still be alive, and then taken over',
    { timeout: 120_000 },
    async () => {
      const place = await newPlace(engine);
      const provider = await startStandInProvider({ keys: [firstKey] });
      const environment = { ...place.environment, OPENROUTER_BASE_URL: provider.baseUrl };
      const killed = startServerProcess(environment);
      const url = await killed.url();
      const request = { body: { api_key: firstKey }, headers: keyed('k-killed') };
      provider.behave({ insteadOfHeaders: 'stall', requests: 1 });
      const lost = callAdmin(url, `POST ${providers}/openrouter/set-key`, request);
      await provider.waitForStall();
      killed.kill('SIGKILL');
      await expect(lost).rejects.toThrow(/fetch failed|terminated/);
      await killed.ended();

      const keyward = await startKeyward({ place, env: { OPENROUTER_BASE_URL: provider.baseUrl } });
      const repeat = async () =>
        callAdmin(keyward.server.url, `POST ${providers}/openrouter/set-key`, request);
      expect((await repeat()).code).toBe('idempotency_in_progress');
      await keyward.sql("UPDATE keyward_idempotency_keys SET created_at = created_at - interval '3 minutes'");
      const answers = await Promise.all([repeat(), repeat(), repeat()]);
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1);
      const sets = await keyward.sql("SELECT FROM keyward_audit_events WHERE action = 'provider.key_set'");
      expect(sets).toHaveLength(1);
      await keyward.stop();
      await provider.close();
      await place.remove();
    },
  );
});
