/**
 * Promise 8, for alerts: the address of a webhook, the key of its signatures and the password of the mail server stand
 * nowhere but in the request to their receiver, also where that receiver refuses the message and repeats them; and what
 * is told of a dead key holds no key, whatever its provider said.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { callAdmin } from '../support/administered-keyward.ts';
import { usualEngines } from '../support/depth.ts';
import { startEchoingProvider } from '../support/echoing-provider.ts';
import { runKeyward, startServerProcess } from '../support/keyward-process.ts';
import { LeakScan, type PlantedSecret } from '../support/leak-scan.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { HttpReceiver, MailReceiver } from '../support/receivers.ts';
import { adminToken, gatewayToken, newPlace } from '../support/running-keyward.ts';
import { readWhatIsStored, type Written } from '../support/what-is-written.ts';

vi.setConfig({ testTimeout: 180_000 });

const planted = (name: string): PlantedSecret => ({ name, value: randomBytes(24).toString('hex') });
const inAddress = { slack: planted('address of Slack'), teams: planted('address of Teams') };
const ofWebhook = planted('address of the webhook');
const signingKey = randomBytes(32).toString('base64');
const password = planted('password of the mail server');
const providerKey = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const secrets: readonly PlantedSecret[] = [
  ...Object.values(inAddress),
  ofWebhook,
  password,
  { name: 'key of the signatures', value: signingKey },
  { name: 'key of the provider', value: providerKey },
];

/** Refuses the message and repeats what it was sent to, in every place that an error may quote. */
const refusing: HttpReceiver['answer'] = (response, request) => {
  const { url = '' } = request;
  response.writeHead(500, { 'content-type': 'text/plain', location: url, 'x-echo': url });
  response.end(`POST http://${request.headers.host ?? ''}${url} was refused: ${url}`);
};

async function startReceivers() {
  const http = await new HttpReceiver().listen();
  let refuses = true;
  const mail = await new MailReceiver({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (auth, _session, callback) => {
      const words = `5.7.8 no user ${auth.username ?? ''} with the password ${auth.password ?? ''}`;
      if (refuses) callback(Object.assign(new Error(words), { responseCode: 454 }));
      else callback(null, { user: auth.username ?? '' });
    },
  }).listen();
  const origin = `http://127.0.0.1:${http.port}`;
  const channels = {
    slack: { url: `${origin}/services/${inAddress.slack.value}` },
    teams: { url: `${origin}/workflows?sig=${inAddress.teams.value}` },
    webhook: { url: `${origin}/${ofWebhook.value}`, secret: `whsec_${signingKey}` },
    email: {
      host: '127.0.0.1',
      port: mail.port,
      security: 'none',
      username: 'keyward',
      password: password.value,
      from: 'keyward@example.com',
      to: ['ops@example.com'],
    },
  };
  const refuse = (yes: boolean): void => {
    refuses = yes;
    http.answer = yes ? refusing : (response) => response.writeHead(204).end();
  };
  return { http, mail, channels, refuse };
}

describe.each(usualEngines)('on the engine %s', (engine) => {
  test('no piece of a secret of a channel stands in anything that Keyward writes', async () => {
    const written: Written = new Map();
    const provider = await startEchoingProvider();
    const { http, mail, channels, refuse } = await startReceivers();
    const place = await newPlace(engine);
    const environment = {
      ...place.environment,
      LOG_LEVEL: 'trace',
      OPENROUTER_API_KEY: providerKey,
      OPENROUTER_BASE_URL: `${provider.origin}/v1`,
    };
    const server = startServerProcess(environment);
    const url = await server.url();
    const call = async (request: `${string} /${string}`, body?: unknown) => {
      const answer = await callAdmin(url, request, { body });
      const told = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
      written.set(`${written.size}: ${request} → ${answer.status}`, `${told}\n${answer.text}`);
      return answer;
    };
    const run = async (args: readonly string[], input?: string): Promise<string> => {
      const { stdout, stderr } = await runKeyward(args, environment, input);
      written.set(`${written.size}: keyward ${args.join(' ')}`, stdout + stderr);
      return stdout;
    };

    refuse(true);
    const path = '/api/v1/admin/alert-channels';
    for (const [kind, settings] of Object.entries(channels)) {
      const reason = `by hand: ${JSON.stringify(settings)}`;
      const { status, body } = await call(`POST ${path}`, { name: `on ${kind}`, kind, settings, reason });
      expect([kind, status]).toEqual([kind, 201]);
      const { id } = body['channel'] as { id: number };
      await call(`POST ${path}`, { name: `on ${kind}`, kind, settings });
      await call(`POST ${path}`, { name: 'of another kind', kind: 'log', settings });
      await call(`POST ${path}`, {
        name: 'with a fault',
        kind,
        settings: { ...settings, url: 7, to: settings },
      });
      await call(`PATCH ${path}/${id}`, { settings, reason });
      await call(`PATCH ${path}/${id}`, { settings: { ...settings, url: JSON.stringify(settings) } });
      await call(`POST ${path}/${id}/test`, {});
      await run(
        ['alerts', 'channels', 'add', `by command, ${kind}`, kind, '--json'],
        JSON.stringify(settings),
      );
      await run(['alerts', 'channels', 'add', 'faulty', kind], `{"url": ${JSON.stringify(settings)}`);
      await run(['alerts', 'test', `by command, ${kind}`, '--json']);
    }
    // A refused call raises an alert, which goes to all eight channels; each of them refuses it.
    const chat = {
      method: 'POST',
      body: JSON.stringify({ model: 'openrouter/any', messages: [] }),
      headers: { authorization: `Bearer ${gatewayToken}`, 'content-type': 'application/json' },
    };
    written.set('answer to a chat', await (await fetch(`${url}/v1/chat/completions`, chat)).text());
    const deliveriesIn = async (state: string): Promise<number> => {
      const alert = (await callAdmin(url, 'GET /api/v1/admin/alerts/1')).body;
      const deliveries = (alert['deliveries'] ?? []) as { state: string; attempts: number }[];
      return deliveries.filter((one) => one.state === state && one.attempts > 0).length;
    };
    await expect.poll(async () => deliveriesIn('waiting'), { timeout: 60_000 }).toBe(8);
    await call('GET /api/v1/admin/alerts/1');
    refuse(false);
    await expect.poll(async () => deliveriesIn('delivered'), { timeout: 90_000 }).toBe(8);
    for (const { body } of http.received) written.set(`${written.size}: message`, body);
    for (const { text } of mail.received) written.set(`${written.size}: mail`, text);
    expect(mail.received.map(({ text }) => text).join()).toContain('openrouter');

    for (const list of ['alerts', 'alert-channels', 'audit-logs', 'status'])
      await call(`GET /api/v1/admin/${list}`);
    await call('GET /metrics');
    await run(['alerts', 'list', '--json']);
    await run(['alerts', 'show', '1']);
    await run(['alerts', 'channels', 'list', '--json']);
    await run(['alerts', 'channels', 'list']);
    await run(['audit', 'export', '--format', 'csv']);
    await run(['health']);
    await readWhatIsStored(environment, engine, written);
    server.kill('SIGTERM');
    const { stdout, stderr } = await server.ended();
    written.set('standard output of the server', stdout);
    written.set('log of the server', stderr);
    for (const receiver of [http, mail, provider]) await receiver.close();
    await place.remove();

    const own = [{ name: 'the admin token', value: adminToken }, ...secrets];
    const scan = new LeakScan(own);
    const leaks = [...written].flatMap(([where, text]) =>
      scan.findIn(text).map((leak) => `${where}: ${leak}`),
    );
    expect(leaks).toEqual([]);
    const bytes = [...written.values()].reduce((sum, text) => sum + text.length, 0);
    tellFigure(
      'the secret appears nowhere',
      `${own.length} secrets of alert channels and their messages, ${http.received.length} posts and ${mail.received.length} mails; ${written.size} writings with ${bytes} bytes (${engine}), none in them`,
    );
  });
});
