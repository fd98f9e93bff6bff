/**
 * Each message goes out once: by one of however many instances, again only when its answer was lost, later when
 * the receiver asks for it, and never with a secret in it or in what is kept of it.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { snoozeAlert } from '../../src/alerts/alert-acts.ts';
import { changeChannel, createChannel } from '../../src/alerts/channel-store.ts';
import { claimDeliveries } from '../../src/alerts/delivery-store.ts';
import { attempt, deliverDue } from '../../src/alerts/deliver.ts';
import { testChannel } from '../../src/alerts/test-channel.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { Alerting, deadKey } from '../support/alerting.ts';
import { occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { HttpReceiver } from '../support/receivers.ts';

const minute = 60_000;
const secret = ['whsec', Buffer.from('a-secret-of-the-tests-that-is-long').toString('base64')].join('_');

describeOnUsualDatabases('the queue of deliveries', (opened) => {
  let receiver: HttpReceiver;
  let one: Alerting;
  beforeEach(async () => {
    receiver = await new HttpReceiver().listen();
    one = new Alerting(opened().database);
    return async () => receiver.close();
  });
  afterEach(async () => {
    const kept = JSON.stringify([await one.deliveries(), one.logLines]);
    if (kept.includes(secret) || kept.includes('/hook')) throw new Error(`a secret was kept: ${kept}`);
  });

  const webhook = async (fields: object = {}) =>
    one.channel({ kind: 'webhook', settings: { url: receiver.url, secret }, ...fields });
  const types = (): string[] =>
    receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type);

  it('five instances send each message once', async () => {
    await webhook();
    const others = await Promise.all(
      [1, 2, 3, 4].map(
        async () => new Alerting(await opened().reopen(), { clock: one.clock, ring: one.parts.ring }),
      ),
    );
    await one.look(...['groq', 'openai', 'xai', 'cohere', 'mistral'].map((slug) => deadKey(slug)));
    await Promise.all([one, ...others].map(async (instance) => instance.deliver()));
    expect(types()).toHaveLength(5);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(5);
    expect(new Set(await one.outcomes())).toEqual(new Set(['opened delivered']));
  });

  it('what fails is tried again after a pause, by the same name, and then is done', async () => {
    await webhook();
    await one.look(deadKey('groq'));
    receiver.answer = (response) => response.writeHead(503).end('later');
    await one.deliver();
    const [waiting] = await one.deliveries();
    expect(waiting).toMatchObject({ state: 'waiting', attempts: 1, last_error: 'It answered 503: later' });
    const pauseMs = Number(waiting?.next_attempt_at) - one.clock.now().getTime();
    expect(pauseMs).toBeGreaterThanOrEqual(24_000);
    expect(pauseMs).toBeLessThanOrEqual(36_000);
    receiver.answer = (response) => response.writeHead(204).end();
    one.clock.pass(minute);
    await one.deliver();
    expect(await one.deliveries()).toMatchObject([
      { state: 'delivered', attempts: 2, last_error: null, delivered_at: one.clock.now() },
    ]);
    const [first, second] = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(second).toBe(first);
  });

  it('a receiver that asks for a pause gets nothing more before it is over', async () => {
    await webhook();
    await one.look(...Array.from({ length: 12 }, (_, index) => deadKey(`provider-${index}`)));
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '1800' }).end();
    await deliverDue(one.parts);
    expect(receiver.received).toHaveLength(10);
    one.clock.pass(29 * minute);
    await one.deliver();
    expect(receiver.received).toHaveLength(10);
    receiver.answer = (response) => response.writeHead(204).end();
    one.clock.pass(2 * minute);
    await one.deliver();
    expect(receiver.received).toHaveLength(22);
  });

  it('is given up after about a day, and the log says so', async () => {
    await webhook();
    await one.look(deadKey('groq'));
    receiver.answer = (response) => response.writeHead(500).end();
    let hours = 0;
    for (; (await one.outcomes())[0] !== 'opened failed'; hours += 0.5) {
      await one.deliver();
      one.clock.pass(30 * minute);
    }
    expect(hours).toBeGreaterThan(20);
    expect(hours).toBeLessThan(40);
    expect(one.logLines.join('\n')).toContain('could not be delivered');
  });

  it('a receiver that is gone for good is given up at once', async () => {
    await webhook();
    await one.look(deadKey('groq'));
    receiver.answer = (response) => response.writeHead(410).end();
    await one.deliver();
    expect(await one.outcomes()).toEqual(['opened failed']);
  });

  it('what an instance had in hand when it died is sent by another, once its claim is over', async () => {
    await webhook();
    await one.look(deadKey('groq'));
    const now = one.clock.now();
    const [claimed] = await claimDeliveries(one.parts.db, {
      instanceId: one.parts.instanceId,
      now,
      limit: 9,
    });
    const other = new Alerting(opened().database, { clock: one.clock, ring: one.parts.ring });
    await other.deliver();
    expect(receiver.received).toHaveLength(0);
    one.clock.pass(2 * minute);
    await other.deliver();
    expect(await one.deliveries()).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    // The first was only slow: what it finds now changes nothing of what the other has noted.
    receiver.answer = (response) => response.writeHead(500).end();
    if (claimed !== undefined) await attempt(one.parts, claimed);
    expect(await one.deliveries()).toMatchObject([{ state: 'delivered', attempts: 2 }]);
  });

  it('a slow receiver holds up no other', async () => {
    const quick = await new HttpReceiver().listen();
    await webhook({ name: 'slow' });
    await one.channel({ kind: 'slack', name: 'quick', settings: { url: quick.url } });
    await one.look(deadKey('groq'));
    const held: (() => void)[] = [];
    receiver.answer = (response) => held.push(() => response.writeHead(204).end());
    const delivering = deliverDue(one.parts);
    await vi.waitFor(() => expect(quick.received).toHaveLength(1));
    expect(held).toHaveLength(1);
    for (const release of held) release();
    await delivering;
    expect(await one.outcomes()).toEqual(['opened delivered', 'opened delivered']);
    await quick.close();
  });

  it('the end follows the beginning, also where that had to be tried again', async () => {
    await webhook();
    await one.look(deadKey('groq'));
    receiver.answer = (response) => response.writeHead(500).end();
    await one.deliver();
    one.clock.pass(6 * minute);
    await one.look();
    await one.deliver();
    expect(types()).toEqual(['alert.opened', 'alert.opened']);
    receiver.answer = (response) => response.writeHead(204).end();
    one.clock.pass(6 * minute);
    await one.deliver();
    expect(types().slice(2)).toEqual(['alert.opened', 'alert.resolved']);
  });

  it('nothing goes to a channel that was switched off, or of an alert that was put off', async () => {
    const channel = await webhook();
    const { audit, ring, clock } = one.parts;
    const parts = { audit, ring, clock, config: loadConfig({}) };
    await one.look(deadKey('groq'));
    await changeChannel(parts, occasionOfTests, channel.id, { isActive: false });
    await one.deliver();
    await changeChannel(parts, occasionOfTests, channel.id, { isActive: true });
    await one.look(deadKey('openai'), deadKey('groq'));
    await snoozeAlert(one.parts, occasionOfTests, '2', new Date(clock.now().getTime() + minute));
    await one.deliver();
    expect(await one.outcomes()).toEqual(['opened dropped', 'opened dropped']);
    expect(receiver.received).toEqual([]);
  });

  it('no key and no secret of the channel stands in a message, whatever an alert says', async () => {
    const known = ['unknown', 'shape', 'k3y'.repeat(9)].join('.');
    await webhook();
    await one.look({ ...deadKey('groq'), details: { what: `${known} and ${secret} are bad.` } });
    await deliverDue({ ...one.parts, knownSecrets: () => [new Secret(known)] });
    const [{ body } = { body: '' }] = receiver.received;
    expect(body).toContain('[redacted] and [redacted] are bad.');
    expect(body).not.toMatch(/k3yk3y|whsec_/);
    // What is stored was cleaned of what looks like a key; that this one is one, only its owner knows.
    expect(one.logLines).toEqual([]);
  });

  it('settings that no key opens are said to be so, and are tried again', async () => {
    await webhook();
    await one.look(deadKey('groq'));
    const other = new Alerting(opened().database, {
      clock: one.clock,
      ring: KeyRing.parse(generateEncryptionKey()),
    });
    await other.deliver();
    expect(await one.deliveries()).toMatchObject([
      { state: 'waiting', last_error: 'The settings of the channel cannot be read: enter them again.' },
    ]);
  });

  it('an address that is allowed no more gets nothing', async () => {
    const { audit, ring, clock } = one.parts;
    const config = loadConfig({ UPSTREAM_ALLOW_HTTP: 'relay.internal' });
    const settings = { url: 'http://relay.internal/hook' };
    const parts = { audit, ring, clock, config };
    await createChannel(parts, occasionOfTests, { name: 'relay', kind: 'slack', settings });
    await one.look(deadKey('groq'));
    await one.deliver();
    expect(await one.deliveries()).toMatchObject([
      {
        state: 'waiting',
        last_error: expect.stringMatching(/^Nothing is sent there: url is not https/) as string,
      },
    ]);
  });

  it('a test is sent at once, once, says how it went, and is on record', async () => {
    const { id } = await webhook();
    expect(await testChannel(one.parts, occasionOfTests, id)).toMatchObject({
      event: 'test',
      state: 'delivered',
    });
    receiver.answer = (response) => response.writeHead(500).end('broken');
    expect(await testChannel(one.parts, occasionOfTests, id)).toMatchObject({
      state: 'failed',
      last_error: 'It answered 500: broken',
    });
    expect(types()).toEqual(['alert.test', 'alert.test']);
    await expect(testChannel(one.parts, occasionOfTests, 99)).rejects.toMatchObject({
      code: 'channel_not_found',
    });
  });

  it('the log is a channel too', async () => {
    await one.channel();
    await one.look(deadKey('groq'));
    await one.deliver();
    expect(one.logLines.join('\n')).toMatch(/"level":50.*Critical: The provider refuses the key of groq\./);
  });
});
