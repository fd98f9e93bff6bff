/**
 * Promise 8: the secret appears nowhere but in the request to its provider. Planted keys of every shape go
 * through every door, wanted and misused, at the noisiest log level, before a provider that echoes them;
 * then everything that the processes wrote is searched for any piece of any of them.
 */
import { describe, expect, test, vi } from 'vitest';
import { knownProviders } from '../../src/providers/registry.ts';
import openapi from '../../openapi.json' with { type: 'json' };
import { usualEngines } from '../support/depth.ts';
import { echoes, startEchoingProvider, type EchoingProvider } from '../support/echoing-provider.ts';
import { runKeyward, startServerProcess } from '../support/keyward-process.ts';
import { LeakScan } from '../support/leak-scan.ts';
import { plantedKeyOf, plantedKeys } from '../support/planted-keys.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { adminToken, gatewayToken, newPlace } from '../support/running-keyward.ts';
import { readWhatIsStored, type Written } from '../support/what-is-written.ts';

vi.setConfig({ testTimeout: 300_000 });

const keys = plantedKeys();
const slugs = knownProviders.map(({ slug }) => slug);

interface Scene {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly provider: EchoingProvider;
  readonly written: Written;
}

describe.each(usualEngines)('on the engine %s', (engine) => {
  test('no piece of a planted key stands in anything that Keyward writes', async () => {
    const written: Written = new Map();
    const provider = await startEchoingProvider();
    const place = await newPlace(engine);
    const environment = { ...place.environment, LOG_LEVEL: 'trace', ...providersAt(provider.origin) };
    const server = startServerProcess(environment);
    const scene = { url: await server.url(), environment, provider, written };

    await callEveryRoute(scene);
    await useEveryProvider(scene);
    await presentWrongTokens(scene);
    await runEveryCommand(scene);
    await readWhatIsStored(environment, engine, written);
    server.kill('SIGTERM');
    const { stdout, stderr } = await server.ended();
    written.set('standard output of the server', stdout);
    written.set('log of the server', stderr);

    const secrets = [
      ...keys,
      { name: 'the encryption key', value: place.environment['BYOK_ENCRYPTION_KEY'] ?? '' },
      { name: 'the admin token', value: adminToken },
      { name: 'the gateway token', value: gatewayToken },
    ];
    const scan = new LeakScan(secrets);
    const leaks = [...written].flatMap(([where, text]) =>
      scan.findIn(text).map((leak) => `${where}: ${leak}`),
    );
    await provider.close();
    await place.remove();
    expect(leaks).toEqual([]);
    expect(provider.keysSeen).toBeGreaterThan(slugs.length);
    expect(stderr).toContain('provider_key_rejected');
    const bytes = [...written.values()].reduce((sum, text) => sum + text.length, 0);
    tellFigure(
      'the secret appears nowhere',
      `${secrets.length} planted secrets, sent to their provider ${provider.keysSeen} times; ${written.size} writings with ${bytes} bytes (${engine}), none in them as such, in base64, in a URL, in hexadecimal or backwards`,
    );
  });
});

test('a planted leak is found in each kind of writing', () => {
  const scan = new LeakScan(keys);
  for (const { value } of keys) {
    expect(scan.findIn(`{"level":30,"msg":"sent ${value}"}`)).not.toEqual([]);
    expect(scan.findIn(Buffer.from(`x${value}`).toString('base64'))).not.toEqual([]);
    expect(scan.findIn(`?key=${encodeURIComponent(value)}&a=b`)).not.toEqual([]);
  }
});

/** Every provider has a key in the environment and leads to the one that echoes. */
function providersAt(origin: string): Record<string, string> {
  return Object.fromEntries(
    slugs.flatMap((slug) => {
      const prefix = slug.toUpperCase();
      return [
        [`${prefix}_API_KEY`, plantedKeyOf(keys, slug)],
        [`${prefix}_BASE_URL`, `${origin}/v1`],
      ];
    }),
  );
}

async function call(
  { url, written }: Scene,
  method: string,
  path: string,
  {
    body,
    token = adminToken,
    headers = {},
  }: { body?: unknown; token?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const told = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  written.set(
    `${written.size}: ${method} ${path.replaceAll(/[^/]{30,}/g, '…')} → ${response.status}`,
    `${told}\n${text}`,
  );
  return { status: response.status, text };
}

/** Each route of the admin API with a key in every place where one could be put by mistake. */
async function callEveryRoute(scene: Scene): Promise<void> {
  for (const [index, { value: key }] of keys.entries()) {
    for (const [path, operations] of Object.entries(openapi.paths)) {
      for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
        const slug = slugs[index % slugs.length] ?? '';
        const misused = path.replaceAll(/\{\w+\}/g, encodeURIComponent(key));
        const meant = path.replaceAll(/\{\w+\}/g, slug);
        const body = ['GET', 'DELETE'].includes(method)
          ? {}
          : {
              body: {
                api_key: ` ${key}`,
                [key]: 1,
                reason: key,
                base_url: `https://x.test/${key}`,
                token: key,
              },
            };
        await call(scene, method, `${misused}?${encodeURIComponent(key)}=1`, body);
        await call(scene, method, `${meant}?key=${encodeURIComponent(key)}`, {
          ...body,
          headers: { 'idempotency-key': key, 'if-match': `"${key}"` },
        });
      }
    }
  }
}

/** What an administrator and a caller do all day, before a provider that echoes in every way. */
async function useEveryProvider(scene: Scene): Promise<void> {
  const admin = '/api/v1/admin/providers';
  for (const slug of slugs) {
    const key = plantedKeyOf(keys, slug);
    const stored = await call(scene, 'POST', `${admin}/${slug}/set-key`, {
      body: { api_key: key, skip_test: true, source: 'database', reason: `instead of ${key}` },
    });
    expect(stored).toMatchObject({ status: 200 });
    await call(scene, 'GET', `${admin}/${slug}/key-status`);
    await call(scene, 'GET', `${admin}/${slug}/resolve`);
  }
  for (const how of echoes) {
    scene.provider.echo(how);
    for (const slug of slugs) {
      // The free test may be asked again only after a while; every other door is open.
      await call(scene, 'POST', `${admin}/${slug}/test-key`, { body: {} });
      const body = { model: `${slug}/some-model`, messages: [{ role: 'user', content: 'Hello' }] };
      // A good answer is the caller's, byte for byte: what a provider says there is not ours to change.
      if (how !== 'label of a good key' && how !== 'name of a model') {
        await call(scene, 'POST', '/v1/chat/completions', { body, token: gatewayToken });
        await call(scene, 'POST', '/api/v1/llm/chat/completions', {
          body: { ...body, stream: true },
          token: gatewayToken,
        });
      }
    }
  }
  for (const { value: key } of keys) {
    await call(scene, 'POST', '/v1/chat/completions', { body: { model: key }, token: gatewayToken });
    await call(scene, 'POST', '/v1/chat/completions', { body: `{"model": ${key}`, token: gatewayToken });
    await call(scene, 'GET', `/v1/${encodeURIComponent(key)}?key=${encodeURIComponent(key)}`, {
      token: gatewayToken,
    });
  }
}

/** Last, since who presents many is slowed down. */
async function presentWrongTokens(scene: Scene): Promise<void> {
  for (const { value: key } of keys) {
    await call(scene, 'GET', '/api/v1/admin/status', { token: key });
    await call(scene, 'GET', '/metrics', {
      token: key,
      headers: { 'x-api-key': key, cookie: `keyward=${key}` },
    });
    await call(scene, 'POST', '/v1/chat/completions', { body: { model: 'openai/x' }, token: key });
  }
}

async function runEveryCommand({ environment, written }: Scene): Promise<void> {
  const [first] = keys;
  const key = first?.value ?? '';
  const commands: [args: string[], input?: string][] = [
    [['keys', 'list', '--json']],
    [['keys', 'explain', 'openrouter']],
    [['keys', 'test', 'openrouter', '--json']],
    [['keys', 'set', 'groq'], plantedKeyOf(keys, 'groq')],
    [['keys', 'set', 'groq', key]],
    [['keys', 'set', key]],
    [['keys', 'set', 'groq', `--file=${key}`]],
    [[`--${key}`]],
    [['tokens', 'list', '--json']],
    [['tokens', 'revoke', key]],
    [['encryption-key', 'check', '--json']],
    [['audit', 'list', '--json']],
    [['audit', 'export', '--format', 'csv']],
    [['audit', 'verify']],
    [['migrate', '--check', '--json']],
  ];
  for (const [args, input] of commands) {
    const { stdout, stderr } = await runKeyward(args, environment, input);
    written.set(`keyward ${args.slice(0, 2).join(' ').slice(0, 24)} (${written.size})`, stdout + stderr);
  }
}
