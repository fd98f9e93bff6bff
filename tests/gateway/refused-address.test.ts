/** A provider whose name leads to where no key is sent: 502 for the caller, the reason for the administrator. */
import dns from 'node:dns';
import { afterEach, expect, test, vi } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';

const room = gatewayAndProvider({ GROQ_API_KEY: ['planted', 'groq', 'key'].join('-') });
const ask = { model: 'groq/m', messages: [] };

afterEach(() => vi.restoreAllMocks());

/** The system's resolver answers from the network; here it answers this. */
function resolveTo(address: string): void {
  vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, callback: unknown) =>
    (callback as (error: null, found: object[]) => void)(null, [
      { address, family: 4 },
    ])) as typeof dns.lookup);
}

async function lead(host: string, columns: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await room.keyward.setProvider('groq', { base_url: `https://${host}/v1`, ...columns });
}

test('a name that turns out to lead into a private network is refused, and the caller is not told the address', async () => {
  await lead('inside.example', { allow_private_network: false });
  resolveTo('10.0.0.7');
  const response = await room.keyward.chat(ask);
  expect(response.status).toBe(502);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({
    error: { code: 'provider_address_refused', type: 'api_error' },
  });
  expect(text).not.toContain('10.0.0.7');
  const log = room.keyward.logLines.join('');
  expect(log).toContain('inside.example resolves to 10.0.0.7, which leads to a private network');
});

test('with the permission of the row it is dialled', async () => {
  await lead('inside.example', { allow_private_network: true });
  resolveTo('127.0.0.1');
  // Nobody speaks TLS at port 443 here; what matters is that it was tried.
  const response = await room.keyward.chat(ask);
  expect(await response.json()).toMatchObject({
    error: { code: expect.not.stringMatching('provider_address_refused') as string },
  });
});

test('cloud metadata is refused with every permission', async () => {
  await lead('outside.example', { allow_private_network: true });
  resolveTo('169.254.169.254');
  const response = await room.keyward.chat(ask);
  expect(await response.json()).toMatchObject({ error: { code: 'provider_address_refused' } });
});

test('an address that is refused as it stands sets the provider aside before anything is connected', async () => {
  await room.keyward.setProvider('groq', { base_url: 'https://169.254.169.254/v1' });
  const response = await room.keyward.chat(ask);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    error: {
      code: 'provider_unusable',
      message: expect.stringContaining('the metadata service of a cloud') as string,
    },
  });
});

test('the headers of the row are sent, and outweigh those of the caller', async () => {
  await room.keyward.setProvider('openrouter', {
    request_headers: JSON.stringify({ 'X-Title': 'House', 'x-extra': 'yes' }),
  });
  const before = room.provider.requests.length;
  await room.keyward.chat(undefined, { headers: { 'x-title': 'Caller', 'x-extra': 'no' } });
  expect(room.provider.requests[before]?.headers).toMatchObject({ 'x-title': 'House', 'x-extra': 'yes' });
});

test('headers that SQL left in a form that cannot be sent set the provider aside, named', async () => {
  await room.keyward.setProvider('openrouter', { request_headers: '{"Authorization": "Bearer other"}' });
  expect((await room.keyward.chat()).status).toBe(503);
  expect((await room.keyward.ready()).checks['providers']).toMatchObject({
    status: 'degraded',
    set_aside: { openrouter: expect.stringContaining('request_headers: "authorization"') as string },
  });
  for (const text of ['[]', '7', '"x"', '{"x": 1}', '{"x": {"y": "z"}}']) {
    await room.keyward.setProvider('openrouter', { request_headers: text });
    expect((await room.keyward.chat()).status).toBe(503);
  }
  await room.keyward.setProvider('openrouter', { request_headers: 'null' });
  expect((await room.keyward.chat()).status).toBe(200);
});
