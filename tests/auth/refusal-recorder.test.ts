/** Refusals are recorded each, a flood of them by its number, and the trail is never in the way of a refusal. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Actor } from '../../src/audit/audit-event.ts';
import { anonymous, RefusalRecorder, type Refusal } from '../../src/auth/refusal-recorder.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { auditTrailOn } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;

function refusalFrom(address: string, code: Refusal['code'] = 'token_invalid'): Refusal {
  return {
    actor: { ...anonymous, address },
    requestId: 'request-1',
    route: 'GET /api/v1/admin/status',
    status: 401,
    code,
  };
}

const viewer: Actor = {
  kind: 'admin_token',
  id: '7',
  name: 'a viewer',
  role: 'viewer',
  address: '192.0.2.1',
  userAgent: 'x',
};

let lines: string[];
const log = createLogger({
  level: 'debug',
  format: 'json',
  scrub: (line) => line,
  write: (line) => lines.push(line),
});
let clock: ManualClock;
let recorder: RefusalRecorder;
beforeEach(() => {
  lines = [];
  clock = manualClock();
});
afterEach(() => recorder.stop());

describeOnUsualDatabases('refusals', (opened) => {
  beforeEach(() => {
    recorder = new RefusalRecorder({ audit: auditTrailOn(opened().database), clock, log });
  });

  async function events(): Promise<Record<string, unknown>[]> {
    const client = await opened().connect();
    const { rows } = await client.query<{ event: string }>(
      'SELECT event FROM keyward_audit_events ORDER BY sequence',
    );
    return rows.map(({ event }) => JSON.parse(event) as Record<string, unknown>);
  }

  it('are recorded with who, from where, which route and why', async () => {
    recorder.record({
      ...refusalFrom('192.0.2.1', 'role_insufficient'),
      actor: viewer,
      status: 403,
    });
    await recorder.flush();
    expect(await events()).toMatchObject([
      {
        action: 'access.refused',
        outcome: 'refused',
        actor: {
          kind: 'admin_token',
          id: '7',
          name: 'a viewer',
          role: 'viewer',
          address: '192.0.2.1',
          user_agent: 'x',
        },
        target: { kind: 'route', id: 'GET /api/v1/admin/status' },
        reason: 'role_insufficient',
        request_id: 'request-1',
        after: { status: 403, code: 'role_insufficient' },
      },
    ]);
  });

  it('of one address are five events a minute, and one more with the number of the others', async () => {
    for (let n = 0; n < 500; n += 1)
      recorder.record(refusalFrom('192.0.2.1', n % 2 ? 'token_invalid' : 'token_missing'));
    clock.pass(minute);
    recorder.record(refusalFrom('192.0.2.2'));
    await recorder.flush();
    const all = await events();
    expect(all).toHaveLength(7);
    expect(all.filter(({ reason }) => reason === 'further refusals')).toMatchObject([
      {
        actor: { kind: 'anonymous', address: '192.0.2.1' },
        target: { kind: 'address', id: '192.0.2.1' },
        after: { count: 495, codes: { token_missing: 247, token_invalid: 248 } },
      },
    ]);
  });

  it('of somebody who was recognised are counted under that name, apart from others at the address', async () => {
    for (let n = 0; n < 8; n += 1) {
      recorder.record(refusalFrom('192.0.2.1'));
      recorder.record({ ...refusalFrom('192.0.2.1'), actor: viewer, code: 'role_insufficient' });
    }
    await recorder.flush();
    const summed = (await events()).filter(({ reason }) => reason === 'further refusals');
    expect(summed).toHaveLength(2);
    expect(summed).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          actor: expect.objectContaining({ kind: 'anonymous', name: 'anonymous' }) as unknown,
          after: { count: 3, codes: { token_invalid: 3 } },
        }),
        expect.objectContaining({
          actor: expect.objectContaining({ kind: 'admin_token', id: '7', name: 'a viewer' }) as unknown,
          after: { count: 3, codes: { role_insufficient: 3 } },
        }),
      ]),
    );
  });

  const counts = async (): Promise<number[]> =>
    (await events())
      .filter(({ reason }) => reason === 'further refusals')
      .map(({ after }) => (after as { count: number }).count);

  it('from fifty thousand addresses are two hundred and one events, and none is missing from the count', async () => {
    for (let n = 0; n < 50_000; n += 1)
      recorder.record(refusalFrom(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
    await recorder.flush();
    expect(await events()).toHaveLength(201);
    expect((await counts()).reduce((sum, count) => sum + count, 0)).toBe(49_900);
    expect(
      (await events()).filter(({ target }) => (target as { id: string }).id === 'other addresses'),
    ).toHaveLength(1);
  });

  it('that go on are counted minute by minute', async () => {
    for (let n = 0; n < 3; n += 1) {
      for (let times = 0; times < 100; times += 1) recorder.record(refusalFrom('192.0.2.1'));
      clock.pass(minute);
    }
    recorder.record(refusalFrom('192.0.2.2'));
    await recorder.flush();
    expect(await counts()).toEqual([95, 95, 95]);
  });

  it('are not counted twice by whoever asks for what there is', async () => {
    for (let times = 0; times < 8; times += 1) recorder.record(refusalFrom('192.0.2.1'));
    await recorder.flush();
    await recorder.flush();
    recorder.record(refusalFrom('192.0.2.1'));
    await recorder.flush();
    expect(await counts()).toEqual([3, 1]);
  });

  it('go into the log where the trail cannot be written, and throw at nobody', async () => {
    const client = await opened().connect();
    await client.query(
      'ALTER TABLE keyward_audit_events ADD CONSTRAINT full_disk CHECK (sequence < 0) NOT VALID',
    );
    recorder.record(refusalFrom('192.0.2.1'));
    await recorder.flush();
    expect(await events()).toEqual([]);
    expect(lines.join('')).toMatch(/a refusal could not be recorded in the audit trail/);
  });
});
