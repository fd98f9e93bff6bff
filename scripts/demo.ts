/**
 * `npm run demo`: the story of a key, for people without a provider account. A throwaway directory, a
 * stand-in provider on loopback, and the real commands with their real answers. Ends by itself and
 * leaves nothing behind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { startStandInProvider } from '../tests/support/stand-in-provider.ts';
import { runKeyward, startKeyward, type Environment, type RunningKeyward } from './demo-processes.ts';

/** Obviously fake, and of the shape that OpenRouter's keys have. */
const fakeKey = (digit: string): string => ['sk', 'or', 'v1', digit.repeat(64)].join('-');

const timeLimitMs = 60_000;
const environmentKey = fakeKey('e');
const databaseKey = fakeKey('d');

const directory = mkdtempSync(join(tmpdir(), 'keyward-demo-'));
const provider = await startStandInProvider({ slug: 'openrouter', keys: [environmentKey, databaseKey] });
const environment: Environment = {
  PATH: process.env['PATH'],
  KEYWARD_DATA_DIR: directory,
  PORT: '0',
  LOG_FORMAT: 'text',
  OPENROUTER_API_KEY: environmentKey,
  // The story tests the keys when it comes to that.
  HEALTH_TEST_WINDOW: 'off',
  OPENROUTER_BASE_URL: provider.baseUrl,
};
let server: RunningKeyward | undefined;
const watchdog = setTimeout(() => finish(1), timeLimitMs);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => finish(130));

try {
  await tell();
  finish(0);
} catch (error) {
  console.error(error);
  finish(1);
}

async function tell(): Promise<void> {
  say(
    'Keyward in half a minute',
    'Everything happens in a throwaway directory; the provider is a stand-in on this machine.',
  );
  step('Start Keyward with a key in the environment');
  command('OPENROUTER_API_KEY=sk-or-v1-eeee… keyward serve');
  server = await startKeyward(environment);
  console.log(indent(server.firstWords));
  await chat('The key of the environment serves.');

  step('Store another key, without a restart');
  await keyward(['keys', 'set', 'openrouter'], databaseKey);
  await chat('The very next request uses the stored key: see source and fingerprint.');

  step('Hybrid: the stored key first, the environment behind it');
  await keyward(['keys', 'source', 'openrouter', 'hybrid']);
  await keyward(['keys', 'explain', 'openrouter']);

  step('Remove the stored key: the environment takes over');
  await keyward(['keys', 'remove', 'openrouter', '--yes']);
  await chat('No restart, no failed call.');

  step('The provider revokes the key');
  provider.revoke(environmentKey);
  await chat("Our key is refused, and that is not the caller's fault: 502, not 401.");
  await keyward(['keys', 'test', 'openrouter']);

  step('A fresh key puts it right');
  await keyward(['keys', 'set', 'openrouter'], databaseKey);
  await keyward(['keys', 'test', 'openrouter']);
  await chat('Served again.');
  say('That was it.', 'Your own: npm start');
}

async function keyward(args: string[], input = ''): Promise<void> {
  command(`keyward ${args.join(' ')}`);
  console.log(indent(await runKeyward(args, environment, input)));
}

async function chat(remark: string): Promise<void> {
  if (server === undefined) throw new Error('the server is not running');
  const body = {
    model: 'openrouter/google/gemini-flash-1.5',
    messages: [{ role: 'user', content: 'Hello' }],
  };
  command(`curl …/api/v1/llm/chat/completions   # model ${body.model}`);
  const response = await fetch(`${server.url}/api/v1/llm/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.gatewayToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as {
    choices?: { message: { content: string } }[];
    error?: { code: string; message: string };
  };
  const text =
    answer.error === undefined
      ? answer.choices?.[0]?.message.content
      : `${answer.error.code}: ${answer.error.message}`;
  const key = ['source', 'fingerprint'].map(
    (name) => `${name} ${response.headers.get(`x-keyward-key-${name}`)}`,
  );
  console.log(indent(`${response.status}  ${text}\nkey: ${key.join(', ')}`));
  console.log(styleText('green', `  ${remark}`));
}

function step(title: string): void {
  console.log(`\n${styleText('bold', title)}`);
}

function command(text: string): void {
  console.log(styleText('dim', `  $ ${text}`));
}

function say(title: string, text: string): void {
  console.log(`\n${styleText('bold', title)}\n  ${text}`);
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    ');
}

/** Ends the server first, so that nobody writes into the directory while it goes away. */
function finish(exitCode: number): void {
  clearTimeout(watchdog);
  const ended = server === undefined ? Promise.resolve() : server.stop();
  void Promise.all([ended, provider.close()]).finally(() => {
    rmSync(directory, { recursive: true, force: true });
    process.exit(exitCode);
  });
}
