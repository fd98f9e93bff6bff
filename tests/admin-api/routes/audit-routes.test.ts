/** The audit trail over HTTP: in pages, one event, as a file, and proven. */
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import {
  callAdmin,
  describeAdministered,
  lastEvent,
  type AdminAnswer,
  type Administered,
} from '../../support/administered-keyward.ts';
import { startKeyward } from '../../support/running-keyward.ts';

const logs = '/api/v1/admin/audit-logs';

const changePolicy = async (
  { call }: Administered,
  reason: string,
  provider = 'openrouter',
): Promise<void> => {
  const { status } = await call(`PUT /api/v1/admin/providers/${provider}/key-policy`, {
    body: { owner: reason, reason },
  });
  expect(status).toBe(200);
};

/** As the owner of the table does it, who switches its guards off and on again. */
const forge = async ({ keyward }: Administered, sequence: number, event: string): Promise<void> => {
  await keyward.sql(`ALTER TABLE keyward_audit_events DISABLE TRIGGER USER;
    UPDATE keyward_audit_events SET event = ${event} WHERE sequence = ${sequence};
    ALTER TABLE keyward_audit_events ENABLE TRIGGER USER`);
};

describeAdministered('the audit trail over HTTP', (here) => {
  test('comes in pages, newest first, by the filters; one event by its number', async () => {
    for (const reason of ['the first', 'the second', 'the third']) await changePolicy(here(), reason);
    await changePolicy(here(), 'of another', 'groq');
    const { call } = here();
    const filter = 'action=policy.changed&target=provider:openrouter';
    const first = await call(`GET ${logs}?${filter}&limit=2`);
    expect(first.body).toMatchObject({
      data: [{ reason: 'the third' }, { reason: 'the second' }],
      has_more: true,
    });
    const second = await call(`GET ${logs}?${filter}&limit=2&cursor=${String(first.body['next_cursor'])}`);
    expect(second.body).toMatchObject({ data: [{ reason: 'the first' }] });
    const [event] = first.body['data'] as { sequence: number }[];
    const one = await call(`GET ${logs}/${event?.sequence ?? 0}`);
    expect(one.body).toEqual(event);
    expect((await call(`GET ${logs}/999999999999`)).code).toBe('audit_event_not_found');
    expect((await call(`GET ${logs}/first`)).code).toBe('parameter_invalid');
  });

  test('is exported as JSON lines and as CSV, whole, to the letter, and by the filters', async () => {
    const { call, keyward, clock } = here();
    await changePolicy(here(), '=a formula, "quoted"');
    const day = clock.now().toISOString().slice(0, 10);
    const lines = await call(`GET ${logs}/export?format=jsonl`);
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(lines.headers.get('content-disposition')).toBe(
      `attachment; filename="keyward-audit-${day}.jsonl"`,
    );
    const rows = await keyward.sql<{ event: string; hash: string }>(
      'SELECT event, hash FROM keyward_audit_events ORDER BY sequence',
    );
    const exported = lines.text.trimEnd().split('\n');
    expect(exported).toHaveLength(rows.length);
    for (const [index, { event, hash }] of rows.entries()) {
      expect(exported[index]?.startsWith(event.slice(0, -1))).toBe(true);
      expect(exported[index]).toContain(hash);
    }
    const table = await call(`GET ${logs}/export?format=csv&action=policy&actor=bootstrap_token`);
    expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(table.text.startsWith('sequence,occurred_at,actor_kind,')).toBe(true);
    expect(table.text).toContain(`"'=a formula, ""quoted"""`);
    expect(table.text).not.toContain('provider.key_tested');
    expect(
      (await call(`GET ${logs}/export?format=csv&target=provider:nobody`)).text.split('\r\n'),
    ).toHaveLength(2);
    expect((await call(`GET ${logs}/export`)).code).toBe('parameter_invalid');
    expect((await call(`GET ${logs}/export?format=jsonl`, { token: null })).status).toBe(401);
  });

  test('is proven, and the first event that is not as it was written is named', async () => {
    const { call, keyward } = here();
    await changePolicy(here(), 'a change');
    const whole = await call(`GET ${logs}/verify`);
    const [{ count } = { count: 0 }] = await keyward.sql<{ count: number }>(
      'SELECT count(*)::int AS count FROM keyward_audit_events',
    );
    expect(whole.body).toMatchObject({
      whole: true,
      fault: null,
      events: count,
      first: 1,
      head: { sequence: count },
      anchor_kind: expect.stringMatching(/^(?:file|log)$/),
      remarks: [],
    });
    const { sequence } = (await lastEvent(here())) as { sequence: number };
    await forge(here(), sequence, `replace(event, 'a change', 'another')`);
    const broken = await call(`GET ${logs}/verify`);
    expect(broken.status).toBe(200);
    expect(broken.body).toMatchObject({ whole: false, fault: { sequence, kind: expect.any(String) } });
    await forge(here(), sequence, `replace(event, 'another', 'a change')`);
    expect((await call(`GET ${logs}/verify`)).body).toMatchObject({ whole: true });
  });
});

test('the trail is proven for one caller at a time, and no longer for one who has left', async () => {
  const keyward = await startKeyward({ engine: 'postgres' });
  const other = new pg.Client({ connectionString: keyward.environment['DATABASE_URL'] });
  await other.connect();
  onTestFinished(async () => {
    await other.end();
    await keyward.stop();
  });
  const verify = async (signal?: AbortSignal): Promise<AdminAnswer> =>
    callAdmin(keyward.server.url, `GET ${logs}/verify`, signal && { signal });
  const isWaiting = async (): Promise<boolean> => {
    const found = await keyward.sql(
      `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%keyward_audit_events%'
          AND datname = current_database() AND pid <> pg_backend_pid()`,
    );
    return found.length > 0;
  };
  await other.query('BEGIN; LOCK TABLE keyward_audit_events IN ACCESS EXCLUSIVE MODE');
  const left = new AbortController();
  const first = verify(left.signal).catch((error: unknown) => error);
  await expect.poll(isWaiting).toBe(true);
  expect((await verify()).code).toBe('verification_running');
  left.abort();
  expect(await first).toBeInstanceOf(Error);
  await other.query('COMMIT');
  await expect.poll(async () => (await verify()).status).toBe(200);
});
