/** Alerts and channels over HTTP: seen by who may look, changed by who may change, and no secret ever comes back. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import {
  describeAdministered,
  firstKey,
  lastEvent,
  type Administered,
} from '../../support/administered-keyward.ts';
import { HttpReceiver } from '../../support/receivers.ts';

const alerts = '/api/v1/admin/alerts';
const channels = '/api/v1/admin/alert-channels';
const secret = ['whsec', Buffer.from('a-secret-of-the-tests-that-is-long').toString('base64')].join('_');

describeAdministered('alerts over HTTP', (administered) => {
  let here: Administered;
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await new HttpReceiver().listen();
  });
  afterAll(async () => receiver.close());
  beforeEach(async () => {
    here = administered();
    receiver.answer = (response) => response.writeHead(204).end();
    await here.keyward.sql(
      'TRUNCATE keyward_alerts, keyward_alert_channels, keyward_alert_deliveries RESTART IDENTITY',
    );
  });

  const openAlerts = async (...slugs: readonly string[]): Promise<void> => {
    for (const slug of slugs)
      await here.keyward.sql(
        `INSERT INTO keyward_alerts (cause, kind, severity, details, opened_at, updated_at)
         VALUES ($1, 'key_dead', 'critical', $2, $3, $3)`,
        [
          `planted:${slug}`,
          JSON.stringify({ what: `The provider refuses the key of ${slug}.`, provider: slug }),
          here.clock.now().toISOString(),
        ],
      );
  };
  const webhook = { name: 'on call', kind: 'webhook' };
  const addChannel = async (): Promise<Record<string, unknown>> => {
    const answer = await here.call(`POST ${channels}`, {
      body: { ...webhook, settings: { url: receiver.url, secret } },
    });
    expect(answer.status).toBe(201);
    return answer.body['channel'] as Record<string, unknown>;
  };

  it('are listed newest first, page by page, and filtered', async () => {
    await openAlerts('groq', 'openai', 'xai');
    const first = await here.call(`GET ${alerts}?limit=2`);
    expect(first.body).toMatchObject({ data: [{ id: '3', state: 'open' }, { id: '2' }], has_more: true });
    const second = await here.call(`GET ${alerts}?limit=2&cursor=${String(first.body['next_cursor'])}`);
    expect(second.body).toMatchObject({
      data: [{ id: '1', what: 'The provider refuses the key of groq.' }],
      has_more: false,
    });
    expect((await here.call(`GET ${alerts}?provider=xai&severity=critical&state=open`)).body).toMatchObject({
      data: [{ id: '3' }],
    });
    expect((await here.call(`GET ${alerts}?cursor=nonsense`)).code).toBe('cursor_invalid');
  });

  it('are seen to, put off and declared over, with the reason on record', async () => {
    await openAlerts('groq', 'openai', 'xai');
    const taken = await here.call(`POST ${alerts}/1/acknowledge`, { body: { reason: 'the vendor is told' } });
    expect(taken.body['alert']).toMatchObject({ state: 'acknowledged', reason: 'the vendor is told' });
    expect(await lastEvent(here)).toMatchObject({
      action: 'alert.acknowledged',
      reason: 'the vendor is told',
    });
    const until = new Date(here.clock.now().getTime() + 3_600_000).toISOString();
    const snoozed = await here.call(`POST ${alerts}/2/snooze`, {
      body: { until, reason: 'over the weekend' },
    });
    expect(snoozed.body['alert']).toMatchObject({
      state: 'snoozed',
      snoozed_until: until,
    });
    await here.call(`POST ${alerts}/2/acknowledge`, { body: { reason: 'it can wait' } });
    const { alert, acts } = (await here.call(`GET ${alerts}/2`)).body;
    expect(alert).toMatchObject({ reason: 'it can wait' });
    expect(acts).toMatchObject([
      { act: 'acknowledged', reason: 'it can wait' },
      { act: 'snoozed', reason: 'over the weekend' },
    ]);
    expect((await here.call(`POST ${alerts}/3/resolve`)).body['alert']).toMatchObject({ state: 'resolved' });
    expect((await here.call(`POST ${alerts}/3/resolve`)).code).toBe('alert_resolved');
    expect((await here.call(`POST ${alerts}/99/acknowledge`)).code).toBe('alert_not_found');
    expect((await here.call(`GET ${alerts}/99`)).code).toBe('alert_not_found');
    const past = { until: '2020-01-01T00:00:00Z' };
    expect((await here.call(`POST ${alerts}/1/snooze`, { body: past })).code).toBe('field_invalid');
    const inDays = (days: number): string =>
      new Date(here.clock.now().getTime() + days * 86_400_000).toISOString();
    const tooLong = await here.call(`POST ${alerts}/1/snooze`, { body: { until: inDays(90.001) } });
    expect(tooLong.body['error']).toMatchObject({
      code: 'field_invalid',
      param: 'until',
      message: 'An alert is put off for 90 days at most. Nothing was changed.',
    });
    expect((await here.call(`POST ${alerts}/1/snooze`, { body: { until: inDays(90) } })).status).toBe(200);
  });

  it('are shown with what was sent of them', async () => {
    await openAlerts('groq');
    await addChannel();
    await here.keyward.sql(
      `INSERT INTO keyward_alert_deliveries (alert_id, channel_id, event, state, last_error) VALUES (1, 1, 'opened', 'failed', 'It answered 500')`,
    );
    expect((await here.call(`GET ${alerts}/1`)).body).toMatchObject({
      alert: { id: '1' },
      deliveries: [{ event: 'opened', state: 'failed', last_error: 'It answered 500' }],
    });
  });

  it('go to channels whose settings go in and never come out', async () => {
    const made = await addChannel();
    expect(made).toMatchObject({
      id: 1,
      settings: { url: `${new URL(receiver.url).origin}/••••`, secret: '••••' },
      rules: { min_severity: 'warning', quiet_min_severity: 'critical' },
      quiet_hours: null,
      is_active: true,
    });
    const one = await here.call(`GET ${channels}/1`);
    expect(one.headers.get('etag')).toBe(`"${String(made['revision'])}"`);
    const texts = [
      one.text,
      (await here.call(`GET ${channels}`)).text,
      JSON.stringify(await lastEvent(here)),
    ];
    for (const text of texts) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain('/hook');
    }
  });

  it('no reason of whatever act keeps the address or the secret of a channel that is stored', async () => {
    await addChannel();
    await openAlerts('groq');
    const reason = `told at ${receiver.url}, signed with ${secret}`;
    const acts = [
      [`POST ${alerts}/1/acknowledge`, { reason }],
      ['PATCH /api/v1/admin/providers/openrouter', { display_name: 'OpenRouter', reason }],
    ] as const;
    for (const [request, body] of acts) {
      expect((await here.call(request, { body })).status).toBe(200);
      expect(await lastEvent(here)).toMatchObject({ reason: 'told at [redacted], signed with [redacted]' });
    }
    expect((await here.call(`GET ${alerts}/1`)).body['alert']).toMatchObject({
      reason: 'told at [redacted], signed with [redacted]',
    });
  });

  it("no reason keeps Keyward's own tokens, an encryption key or a stored key, whatever they look like", async () => {
    const { environment } = here.keyward;
    const [ringKey = ''] = (environment['BYOK_ENCRYPTION_KEY'] ?? '').split(',');
    const plain = ['a', 'key', 'of', 'no', 'known', 'shape'].join('-');
    const stored = KeyRing.parse(new Secret(ringKey)).encrypt(new Secret(plain));
    await here.keyward.setProvider('openrouter', { encrypted_api_key: stored });
    const own = [environment['KEYWARD_ADMIN_TOKEN'], environment['KEYWARD_GATEWAY_TOKEN'], ringKey, plain];
    const reason = [...own, ringKey.replace('=', '')].join(' and ');
    const request = 'PATCH /api/v1/admin/providers/openrouter';
    expect((await here.call(request, { body: { display_name: 'Open Router', reason } })).status).toBe(200);
    expect(await lastEvent(here)).toMatchObject({
      reason: Array.from({ length: 5 }, () => '[redacted]').join(' and '),
    });
  });

  it('no name, owner or model holds a secret of the installation or what looks like a key', async () => {
    const { id } = await addChannel();
    const { environment } = here.keyward;
    const secrets = [
      environment['KEYWARD_ADMIN_TOKEN'] ?? '',
      environment['BYOK_ENCRYPTION_KEY'] ?? '',
      new URL(receiver.url).pathname,
      firstKey,
    ];
    const policy = 'PUT /api/v1/admin/providers/openrouter/key-policy';
    for (const held of secrets.map((text) => `x ${text}`)) {
      const refused = [
        ['name', `POST ${channels}`, { name: held, kind: 'log' }],
        ['name', `PATCH ${channels}/${String(id)}`, { name: held }],
        ['name', 'POST /api/v1/admin/tokens', { name: held }],
        ['owner', policy, { owner: held }],
        ['probe.model', policy, { probe: { model: held } }],
      ] as const;
      for (const [param, request, body] of refused) {
        const { status, body: answer, text } = await here.call(request, { body });
        expect([status, answer], request).toMatchObject([
          400,
          { error: { code: 'field_invalid', param, message: expect.stringContaining('looks like a key') } },
        ]);
        expect(text).not.toContain(held);
      }
    }
  });

  it('a channel is changed only as it was read, and deleted', async () => {
    const { revision } = await addChannel();
    const headers = { 'if-match': `"${String(revision)}"` };
    const body = { quiet_hours: { from: 1_320, to: 420 }, rules: { providers: ['groq'] } };
    const changed = await here.call(`PATCH ${channels}/1`, { body, headers });
    expect(changed.body['channel']).toMatchObject({ ...body, name: 'on call' });
    expect((await here.call(`PATCH ${channels}/1`, { body, headers })).code).toBe('revision_mismatch');
    expect((await here.call(`DELETE ${channels}/1`, { headers })).code).toBe('revision_mismatch');
    expect((await here.call(`DELETE ${channels}/1`)).body).toEqual({ id: 1, deleted: true });
    expect((await here.call(`GET ${channels}/1`)).code).toBe('channel_not_found');
  });

  it.each([
    [{ url: 'https://169.254.169.254/x', secret }, 'settings.url'],
    [{ url: 'http://example.com/x', secret }, 'settings.url'],
    [{ url: 'https://example.com/x' }, 'settings.secret'],
  ])(
    'a channel that leads where nothing is sent is refused, without repeating it: %j',
    async (settings, param) => {
      const answer = await here.call(`POST ${channels}`, { body: { ...webhook, settings } });
      expect(answer.status).toBe(400);
      expect(answer.body['error']).toMatchObject({ code: 'field_invalid', param });
      expect(answer.text).not.toContain(secret);
    },
  );

  it('a rule names kinds and providers that there are; what was deleted since may stay', async () => {
    const log = { name: 'the log', kind: 'log' };
    const refused = async (rules: object): Promise<unknown> =>
      (await here.call(`POST ${channels}`, { body: { ...log, rules } })).body['error'];
    expect(await refused({ kinds: ['key_dead', 'key_deed'] })).toMatchObject({
      code: 'field_invalid',
      param: 'rules.kinds.1',
      message: expect.stringContaining('must be one of: key_dead, key_out_of_credit, ') as string,
    });
    expect(await refused({ providers: ['groq', 'grok'] })).toMatchObject({
      code: 'field_invalid',
      param: 'rules.providers',
      message: expect.stringContaining('There is no provider "grok". There are: anthropic, ') as string,
    });
    const rules = { kinds: ['key_dead'], providers: ['groq'] };
    expect((await here.call(`POST ${channels}`, { body: { ...log, rules } })).status).toBe(201);
    await here.keyward.sql(
      `UPDATE keyward_alert_channels SET rules = '{"kinds": ["of_another_version"], "providers": ["gone"]}'`,
    );
    expect((await here.call(`GET ${channels}/1`)).body['channel']).toMatchObject({
      rules: { kinds: ['of_another_version'], providers: ['gone'] },
    });
    const kept = { rules: { providers: ['gone', 'openai'] } };
    expect((await here.call(`PATCH ${channels}/1`, { body: kept })).body['channel']).toMatchObject(kept);
  });

  it('no channel has a name that reads as another', async () => {
    const body = { name: 'on \u202ellac', kind: 'log' };
    expect((await here.call(`POST ${channels}`, { body })).code).toBe('field_invalid');
    const named = { name: 'on call', kind: 'email', settings: { host: 'smtp\u2066.example.com' } };
    expect((await here.call(`POST ${channels}`, { body: named })).code).toBe('field_invalid');
  });

  it('no two channels have one name, and a repeated request makes one', async () => {
    const log = { body: { name: 'the log', kind: 'log' } };
    const headers = { 'idempotency-key': 'one-channel' };
    const [first, again] = [
      await here.call(`POST ${channels}`, { ...log, headers }),
      await here.call(`POST ${channels}`, { ...log, headers }),
    ];
    expect(again.text).toBe(first.text);
    expect((await here.call(`POST ${channels}`, log)).code).toBe('channel_exists');
  });

  it('a test is sent now, and the answer says how it went', async () => {
    await addChannel();
    const sent = await here.call(`POST ${channels}/1/test`);
    expect(sent.body['delivery']).toMatchObject({ event: 'test', state: 'delivered', attempts: 1 });
    expect(receiver.received.at(-1)?.body).toContain('"alert.test"');
    receiver.answer = (response) => response.writeHead(500).end('broken');
    expect((await here.call(`POST ${channels}/1/test`)).body['delivery']).toMatchObject({
      state: 'failed',
      last_error: 'It answered 500: broken',
    });
    expect((await here.call(`GET ${channels}/1`)).body).toMatchObject({
      deliveries: [{ id: '2' }, { id: '1' }],
    });
    expect((await here.call(`POST ${channels}/99/test`)).code).toBe('channel_not_found');
  });
});
