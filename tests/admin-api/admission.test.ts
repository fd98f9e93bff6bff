/** Who is refused is told the same whatever was wrong, is recorded, and is slowed down when it goes on. */
import fastify from 'fastify';
import { afterEach, describe, expect, it, test } from 'vitest';
import { guardRoutes } from '../../src/admin-api/admission.ts';
import { generateToken } from '../../src/auth/token.ts';
import { revokeToken } from '../../src/auth/token-store.ts';
import { ask, behindProxy, eventsOf, newToken, refusalOf, signIn } from '../support/administrators.ts';
import { occasionOfTests } from '../support/audited.ts';
import { usualEngines } from '../support/depth.ts';
import { manualClock } from '../support/manual-clock.ts';
import {
  adminToken,
  gatewayToken,
  newPlace,
  startKeyward,
  type RunningKeyward,
  type StartOptions,
} from '../support/running-keyward.ts';

const status = 'GET /api/v1/admin/status';
const leftovers: RunningKeyward[] = [];
afterEach(async () => {
  for (const one of leftovers.splice(0)) await one.stop();
});

async function start(options: StartOptions = {}): Promise<RunningKeyward> {
  const keyward = await startKeyward({
    engine: 'postgres',
    ...options,
    env: { ...behindProxy, ...options.env },
  });
  leftovers.push(keyward);
  return keyward;
}

describe.each(usualEngines)('on the engine %s', (engine) => {
  test('a wrong, expired, revoked and gateway token are refused to the letter alike', async () => {
    const keyward = await start({ engine });
    const expired = await newToken(keyward, { expiresAt: new Date(Date.now() - 1) });
    const revoked = await newToken(keyward);
    await revokeToken(keyward.server.installation.audit, occasionOfTests, revoked.id);
    const tokens = [generateToken('admin').reveal(), expired.token, revoked.token, gatewayToken, 'x'];
    const answers = await Promise.all(tokens.map(async (token) => ask(keyward, status, { token })));
    const texts = await Promise.all(
      answers.map(
        async (answer) => `${answer.status} ${answer.headers.get('www-authenticate')} ${await answer.text()}`,
      ),
    );
    expect(new Set(texts)).toEqual(
      new Set([
        '401 Bearer {"error":{"message":"The token is not valid.","type":"authentication_error","param":null,"code":"token_invalid"}}',
      ]),
    );
  });

  test('an admin token is good until its time, and refused from then on', async () => {
    const clock = manualClock();
    const keyward = await start({ engine, clock });
    const { token } = await newToken(keyward, { expiresAt: new Date(clock.now().getTime() + 60_000) });
    clock.pass(59_999);
    expect((await ask(keyward, status, { token })).status).toBe(200);
    clock.pass(1);
    expect(await refusalOf(await ask(keyward, status, { token }))).toEqual({
      status: 401,
      code: 'token_invalid',
    });
  });

  test('every refusal is recorded: by whom as far as it is known, from where, at which route, why', async () => {
    const keyward = await start({ engine });
    const viewer = await newToken(keyward, { role: 'viewer', name: 'an auditor' });
    const session = await signIn(keyward);
    await ask(keyward, status, { from: '192.0.2.1', headers: { 'user-agent': 'a browser' } });
    await ask(keyward, `${status}?token=planted-7c1f`, { from: '192.0.2.2', token: 'planted-7c1f' });
    await ask(keyward, 'POST /api/v1/admin/tokens', { from: '192.0.2.3', token: viewer.token, body: {} });
    await ask(keyward, 'DELETE /api/v1/admin/tokens/1', { from: '192.0.2.4', session, csrf: false });
    await ask(keyward, 'POST /api/v1/admin/session', { from: '192.0.2.5', body: { token: 'planted-7c1f' } });
    await expect.poll(async () => (await eventsOf(keyward, 'access.refused')).length).toBe(5);
    const events = await eventsOf(keyward, 'access.refused');
    expect(
      events.map(({ actor, target, reason, outcome }) => [
        actor['name'],
        actor['address'],
        target.id,
        reason,
        outcome,
      ]),
    ).toEqual([
      ['anonymous', '192.0.2.1', status, 'token_missing', 'refused'],
      ['anonymous', '192.0.2.2', status, 'token_invalid', 'refused'],
      ['an auditor', '192.0.2.3', 'POST /api/v1/admin/tokens', 'role_insufficient', 'refused'],
      ['KEYWARD_ADMIN_TOKEN', '192.0.2.4', 'DELETE /api/v1/admin/tokens/:id', 'csrf_refused', 'refused'],
      ['anonymous', '192.0.2.5', 'POST /api/v1/admin/session', 'token_invalid', 'refused'],
    ]);
    expect(events[0]?.actor).toMatchObject({
      kind: 'anonymous',
      id: null,
      role: null,
      user_agent: 'a browser',
    });
    expect(events[2]?.actor).toMatchObject({ kind: 'admin_token', id: String(viewer.id), role: 'viewer' });
    expect(events[3]?.actor).toMatchObject({ kind: 'session', id: session.id });
    expect(JSON.stringify(events) + keyward.logLines.join('')).not.toContain('planted');
  });

  test('a refusal stands though it cannot be recorded, and the log says so', async () => {
    const keyward = await start({ engine });
    await keyward.sql(
      'ALTER TABLE keyward_audit_events ADD CONSTRAINT full_disk CHECK (sequence < 0) NOT VALID',
    );
    expect((await ask(keyward, status)).status).toBe(401);
    expect((await ask(keyward, status, { token: 'x' })).status).toBe(401);
    await expect.poll(() => keyward.logLines.join('')).toContain('a refusal could not be recorded');
  });

  test('a flood of refusals is a handful of events, written at the latest when the server stops', async () => {
    const place = await newPlace(engine);
    const keyward = await startKeyward({ place, env: behindProxy });
    for (let n = 0; n < 40; n += 1) await ask(keyward, status, { from: '192.0.2.1' });
    await keyward.stop();
    const again = await startKeyward({ place });
    const events = await eventsOf(again, 'access.refused');
    expect(events).toHaveLength(6);
    expect(events.at(-1)).toMatchObject({
      actor: { kind: 'anonymous', address: '192.0.2.1' },
      after: { count: 35, codes: { token_missing: 35 } },
    });
    await again.stop();
    await place.remove();
  });

  test('a token that is presented at every request is noted as used, without a revision', async () => {
    const keyward = await start({ engine });
    const { id, token } = await newToken(keyward);
    await keyward.caughtUp();
    const { revision } = keyward.snapshot;
    expect((await ask(keyward, status, { token })).status).toBe(200);
    const lastUse = async () =>
      (
        await keyward.sql<{ last_used_at: Date | null }>(
          'SELECT last_used_at FROM keyward_tokens WHERE id = $1',
          [id],
        )
      )[0]?.last_used_at;
    await expect.poll(lastUse).toBeInstanceOf(Date);
    const [row] = await keyward.sql<{ revision: string }>('SELECT revision FROM keyward_revision');
    expect(Number(row?.revision)).toBe(revision);
  });
});

describe('whoever guesses', () => {
  const fail = async (keyward: RunningKeyward, times: number, from: string): Promise<number[]> => {
    const statuses: number[] = [];
    for (let n = 0; n < times; n += 1)
      statuses.push((await ask(keyward, status, { token: `guess-${n}`, from })).status);
    return statuses;
  };

  test('ten times within a minute gets 429 and is told how long to wait', async () => {
    const clock = manualClock();
    const keyward = await start({ clock });
    expect(await fail(keyward, 11, '192.0.2.1')).toEqual([...Array<number>(10).fill(401), 429]);
    const slowed = await ask(keyward, status, { token: 'guess', from: '192.0.2.1' });
    expect(slowed.headers.get('retry-after')).toBe('30');
    expect(await refusalOf(slowed)).toEqual({ status: 429, code: 'too_many_attempts' });
    clock.pass(30_000);
    expect(await fail(keyward, 2, '192.0.2.1')).toEqual([401, 429]);
    expect((await ask(keyward, status, { token: 'x', from: '192.0.2.1' })).headers.get('retry-after')).toBe(
      '60',
    );
  });

  test('at the sign-in of the page is slowed down as well', async () => {
    const keyward = await start();
    const attempt = async () =>
      (await ask(keyward, 'POST /api/v1/admin/session', { body: { token: 'guess' }, from: '192.0.2.1' }))
        .status;
    for (let n = 0; n < 10; n += 1) expect(await attempt()).toBe(401);
    expect(await attempt()).toBe(429);
  });

  test('locks nobody out: not at another address, and here neither a session nor a token that was made for it', async () => {
    const keyward = await start();
    const { token } = await newToken(keyward);
    const session = await signIn(keyward, adminToken, { from: '192.0.2.1' });
    await fail(keyward, 12, '192.0.2.1');
    const from = '192.0.2.1';
    expect((await ask(keyward, status, { token: adminToken, from: '192.0.2.2' })).status).toBe(200);
    expect((await ask(keyward, status, { session, from })).status).toBe(200);
    expect((await ask(keyward, status, { token, from })).status).toBe(200);
    expect((await ask(keyward, 'POST /api/v1/admin/session', { body: { token }, from })).status).toBe(201);
    // The token of these tests is one that a person could have thought of.
    expect((await ask(keyward, status, { token: adminToken, from })).status).toBe(429);
  });
});

describe('a route', () => {
  it('that does not say whom it is for is for administrators only', async () => {
    const keyward = await start();
    const { config } = keyward.server.installation;
    const app = fastify();
    guardRoutes(app, { config } as never);
    app.get('/planted', () => 'reached');
    expect(app.declaredRoutes).toEqual([{ method: 'GET', url: '/planted', access: 'admin' }]);
    const answer = await app.inject('/planted');
    expect(answer.body).not.toContain('reached');
    await app.close();
  });
});
