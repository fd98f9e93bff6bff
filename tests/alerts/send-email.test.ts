/** Mail goes out over TLS to servers that prove who they are, and whatever the server does, the outcome says so. */
import dns from 'node:dns';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SMTPServerOptions } from 'smtp-server';
import type { EmailSettings } from '../../src/alerts/channel-settings.ts';
import { composeMessage } from '../../src/alerts/message.ts';
import { sendEmail } from '../../src/alerts/send-email.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { MailReceiver, TcpReceiver } from '../support/receivers.ts';
import { makeSelfSignedCertificate } from '../support/self-signed-certificate.ts';

const now = new Date('2026-03-01T09:00:00.000Z');
const envelope = { id: 'msg_7_1', queuedAt: now, now, timeoutMs: 2_000 };
const message = composeMessage(
  'opened',
  {
    id: '7',
    cause: 'key_dead:groq',
    kind: 'key_dead',
    severity: 'critical',
    providerId: null,
    details: { what: 'The provider refuses the key of groq.', provider: 'groq' },
    occurrences: 1,
    openedAt: now,
    seenAt: now,
    resolvedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    snoozedUntil: null,
    snoozedBy: null,
    reason: null,
    reminders: 0,
    nextReminderAt: null,
  },
  { now, publicOrigin: undefined },
);
const password = ['planted', 'mail', 'password'].join('-');

const settingsOf = (port: number, fields: Partial<EmailSettings> = {}): EmailSettings => ({
  host: '127.0.0.1',
  port,
  security: 'none',
  login: null,
  from: 'keyward@example.com',
  to: ['ops@example.com', 'lead@example.com'],
  allowPrivateNetwork: false,
  ...fields,
});

async function sendTo(
  options: SMTPServerOptions,
  fields: Partial<EmailSettings> = {},
  timeoutMs = envelope.timeoutMs,
) {
  const server = await new MailReceiver(options).listen();
  try {
    const outcome = await sendEmail(settingsOf(server.port, fields), message, { ...envelope, timeoutMs });
    return { outcome, received: server.received };
  } finally {
    await server.close();
  }
}

const refuse = (responseCode: number, words: string): Error =>
  Object.assign(new Error(words), { responseCode });

describe('over TLS', () => {
  const certificate = makeSelfSignedCertificate();
  const trusted = tls.getCACertificates('default');
  beforeAll(() => tls.setDefaultCACertificates([...trusted, certificate.cert]));
  afterAll(() => tls.setDefaultCACertificates(trusted));

  const onAuth: SMTPServerOptions['onAuth'] = (auth, _session, callback) => {
    if (auth.password === password) callback(null, { user: auth.username });
    else callback(refuse(535, '5.7.8 no'));
  };
  const login = { username: 'keyward', password: new Secret(password) };

  it.each(['starttls', 'tls'] as const)('%s: the message arrives, signed in and whole', async (security) => {
    const { outcome, received } = await sendTo(
      { ...certificate, secure: security === 'tls', onAuth },
      { security, login },
    );
    expect(outcome).toEqual({ state: 'delivered' });
    expect(received).toMatchObject([
      {
        from: 'keyward@example.com',
        to: ['ops@example.com', 'lead@example.com'],
        secure: true,
        user: 'keyward',
      },
    ]);
    const [{ text } = { text: '' }] = received;
    expect(text).toContain('Subject: [Keyward] Critical: The provider refuses the key of groq.');
    expect(text).toContain('Message-ID: <msg_7_1@example.com>');
    expect(text).toContain('Auto-Submitted: auto-generated');
    expect(text).toContain('keyward alerts ack 7');
  });

  it('a wrong password is tried again later, since it can be put right', async () => {
    const wrong = { username: 'keyward', password: new Secret(`${password}-not`) };
    const { outcome, received } = await sendTo(
      { ...certificate, onAuth },
      { security: 'starttls', login: wrong },
    );
    expect(outcome).toMatchObject({ state: 'retry', error: expect.stringMatching(/5\.7\.8 no/) as string });
    expect(JSON.stringify([outcome, received])).not.toContain(password);
  });

  it('a server whose certificate nobody vouches for gets neither password nor message', async () => {
    const seen: string[] = [];
    const { outcome, received } = await sendTo(
      {
        ...makeSelfSignedCertificate(),
        onAuth: (auth, _session, callback) => {
          seen.push(String(auth.password));
          callback(null, { user: 'x' });
        },
      },
      { security: 'starttls', login },
    );
    expect(outcome).toMatchObject({ state: 'retry' });
    expect([seen, received]).toEqual([[], []]);
  });

  it('a server that does not offer STARTTLS gets neither password nor message', async () => {
    const { outcome, received } = await sendTo(
      { onAuth, disabledCommands: ['STARTTLS'] },
      { security: 'starttls', login },
    );
    expect(outcome).toMatchObject({ state: 'retry' });
    expect(received).toEqual([]);
  });
});

describe('a server that', () => {
  it('refuses a receiver for good ends it', async () => {
    const { outcome } = await sendTo({
      onRcptTo: (_to, _session, callback) => callback(refuse(550, '5.1.1 nobody')),
    });
    expect(outcome).toMatchObject({
      state: 'final',
      error: expect.stringMatching(/5\.1\.1 nobody/) as string,
    });
  });

  it('refuses one of the receivers has taken it for the others, and the outcome says so', async () => {
    const { outcome, received } = await sendTo({
      onRcptTo: ({ address }, _session, callback) =>
        callback(address.startsWith('lead') ? refuse(550, '5.1.1 nobody') : null),
    });
    expect(outcome).toEqual({ state: 'delivered', remark: '1 of 2 receivers were refused.' });
    expect(received).toMatchObject([{ to: ['ops@example.com'] }]);
  });

  it('asks to come again later (greylisting) is asked again later', async () => {
    const { outcome } = await sendTo({
      onRcptTo: (_to, _session, callback) => callback(refuse(451, '4.7.1 greylisted')),
    });
    expect(outcome).toMatchObject({ state: 'retry', error: expect.stringMatching(/4\.7\.1/) as string });
  });

  it('refuses the message itself ends it', async () => {
    const { outcome } = await sendTo({
      onData: (stream, _session, callback) => {
        stream.resume();
        stream.on('end', () => callback(refuse(554, '5.7.1 spam')));
      },
    });
    expect(outcome).toMatchObject({ state: 'final', error: expect.stringMatching(/5\.7\.1 spam/) as string });
  });

  it('never says that it took the message is asked again', async () => {
    const { outcome } = await sendTo({ onData: (stream) => void stream.resume() }, {}, 200);
    expect(outcome).toMatchObject({ state: 'retry' });
  });

  it.each([
    ['says nothing', () => undefined],
    ['closes at once', (socket: { end: () => void }) => socket.end()],
    [
      'speaks something else',
      (socket: { end: (text: string) => void }) => socket.end('HTTP/1.1 400 no\r\n\r\n'),
    ],
    ['turns everybody away for now', (socket: { end: (text: string) => void }) => socket.end('421 busy\r\n')],
  ])('%s is asked again', async (_what, onConnection) => {
    const server = await new TcpReceiver(onConnection).listen();
    const outcome = await sendEmail(settingsOf(server.port), message, { ...envelope, timeoutMs: 300 });
    expect(outcome).toMatchObject({ state: 'retry' });
    await server.close();
  });

  it('takes the message and closes without a word gets it again, by the same name', async () => {
    const lines: string[] = [];
    const server = await new TcpReceiver((socket) => {
      let isData = false;
      socket.write('220 here\r\n');
      socket.on('data', (chunk) => {
        const text = chunk.toString();
        lines.push(text);
        if (isData) {
          if (lines.join('').endsWith('\r\n.\r\n')) socket.end();
        } else if (text.startsWith('DATA')) {
          isData = true;
          socket.write('354 go on\r\n');
        } else socket.write('250 ok\r\n');
      });
    }).listen();
    for (let times = 0; times < 2; times += 1)
      expect(await sendEmail(settingsOf(server.port), message, envelope)).toMatchObject({ state: 'retry' });
    expect(lines.join('').match(/Message-ID: <msg_7_1@example\.com>/g)).toHaveLength(2);
    await server.close();
  });
});

it.each(['10.0.0.1', '169.254.169.254'])(
  'a name that leads to %s when it is dialled is not connected to',
  async (address) => {
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, callback: unknown) => {
      (callback as (error: null, found: object[]) => void)(null, [{ address, family: 4 }]);
    }) as typeof dns.lookup);
    const settings = settingsOf(25, { host: 'planted.example', security: 'starttls' });
    expect(await sendEmail(settings, message, envelope)).toMatchObject({
      state: 'retry',
      error: expect.stringContaining(`planted.example resolves to ${address}`) as string,
    });
    vi.restoreAllMocks();
  },
);
