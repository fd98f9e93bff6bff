import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { gatewayAndProvider, providerKey as environmentKey } from '../support/gateway-and-provider.ts';
import { startStandInProvider } from '../support/stand-in-provider.ts';

const databaseKey = ['sk', 'or', 'v1', 'da7a'.repeat(16)].join('-');
const ask = { model: 'openrouter/m', messages: [] };

const from = (source: string) => ({ status: 200, key: source, source, fallback: null });

const refused = (status: number, code: string) => ({
  status,
  key: null,
  source: null,
  fallback: null,
  code,
});

describe.each(['embedded', 'postgres'] as const)('on the engine %s', (engine) => {
  const room = gatewayAndProvider({}, engine);

  beforeEach(async () => {
    room.provider.setKeys([environmentKey, databaseKey]);
    await setOpenrouter({
      is_active: true,
      api_key_source: 'environment',
      encrypted_api_key: null,
      api_key_test_status: null,
      api_key_binding: null,
    });
  });

  const setOpenrouter = async (columns: Readonly<Record<string, unknown>>) =>
    room.keyward.setProvider('openrouter', columns);

  /** What one chat is served with. */
  async function served() {
    const before = room.provider.requests.length;
    const response = await room.keyward.chat(ask);
    const { error } = (await response.json()) as { error?: { code: string } };
    const key = room.provider.requests[before]?.headers.authorization?.replace('Bearer ', '');
    return {
      status: response.status,
      key: key === databaseKey ? 'database' : key === environmentKey ? 'environment' : (key ?? null),
      source: response.headers.get('x-keyward-key-source'),
      fallback: response.headers.get('x-keyward-fallback'),
      ...(error !== undefined && { code: error.code }),
    };
  }

  describe('the checklist of the seed, by its own SQL:', () => {
    test('1. environment variables still work', async () => {
      expect(await served()).toEqual(from('environment'));
    });

    test('2. a key that an UPDATE sets serves the very next request', async () => {
      await room.keyward.change(
        `UPDATE llm_providers
         SET encrypted_api_key = '${room.keyward.encrypt(databaseKey)}',
             api_key_source = 'database',
             api_key_updated_at = NOW()
         WHERE provider_slug = 'openrouter';`,
      );
      expect(await served()).toEqual(from('database'));
    });

    test('3. hybrid without a stored key falls back to the environment', async () => {
      await setOpenrouter({ encrypted_api_key: room.keyward.encrypt(databaseKey) });
      await room.keyward.change(
        `UPDATE llm_providers
         SET api_key_source = 'hybrid',
             encrypted_api_key = NULL  -- No database key
         WHERE provider_slug = 'openrouter';`,
      );
      expect(await served()).toEqual(from('environment'));
    });
  });

  describe('a source', () => {
    test.each([
      ['environment', true, from('environment')],
      ['environment', false, from('environment')],
      ['database', true, from('database')],
      ['database', false, refused(503, 'provider_key_missing')],
      ['hybrid', true, from('database')],
      ['hybrid', false, from('environment')],
      ['vault', true, from('environment')],
      ['Database', true, from('environment')],
      ['', false, from('environment')],
    ])('"%s" with a stored key: %s', async (source, stored, expected) => {
      await setOpenrouter({
        api_key_source: source,
        encrypted_api_key: stored ? room.keyward.encrypt(databaseKey) : null,
      });
      expect(await served()).toEqual(expected);
    });
  });

  describe('hybrid falls back to the environment, and says so,', () => {
    test.each([
      ['when the stored key does not decrypt', () => `gAAAAA${'x'.repeat(100)}`],
      ['when it was encrypted with a key that is not in the ring', () => foreignToken()],
      ['when it is no token at all', () => 'sk-plain'],
      ['when it holds what no header can carry', () => room.keyward.encrypt('a\nb')],
      ['when it is empty inside', () => room.keyward.encrypt('')],
    ])('%s', async (_why, token) => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: token() });
      expect(await served()).toEqual({ ...from('environment'), fallback: 'database_key_unreadable' });
      const report = await room.keyward.ready();
      expect(report).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect(report.checks['providers']?.['set_aside']).toHaveProperty('openrouter');
    });

    test('when the stored key is bound to another provider or host', async () => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: room.keyward.encrypt(databaseKey) });
      await setOpenrouter({ api_key_binding: 'v1.00000000.forged' });
      expect(await served()).toEqual({ ...from('environment'), fallback: 'database_key_parked' });
      expect((await room.keyward.ready()).checks['providers']).toMatchObject({
        status: 'degraded',
        set_aside: { openrouter: expect.stringContaining('stays parked until') as string },
      });
    });

    test('when a test has proven the stored key dead', async () => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: room.keyward.encrypt(databaseKey) });
      await setOpenrouter({ api_key_test_status: 'invalid' });
      expect(await served()).toEqual({ ...from('environment'), fallback: 'database_key_dead' });
    });

    test('but not when it has no binding: that is remarked on, once in the log, and nothing is degraded', async () => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: room.keyward.encrypt(databaseKey) });
      expect(await served()).toEqual(from('database'));
      await setOpenrouter({ display_name: 'Router' });
      const report = await room.keyward.ready();
      expect(report.status).toBe('ready');
      expect(report.checks['providers']).toMatchObject({
        status: 'ok',
        remarks: { openrouter: expect.stringContaining('keyward keys bind openrouter') as string },
      });
      const { fingerprint } = room.keyward.snapshot.providers.get('openrouter')?.resolution.key ?? {};
      const lines = room.keyward.logLines.filter(
        (line) => line.includes('serves without a binding') && line.includes(fingerprint ?? '?'),
      );
      expect(lines.length).toBeGreaterThan(0);
      await setOpenrouter({ display_name: 'OpenRouter' });
      expect(
        room.keyward.logLines.filter(
          (line) => line.includes('serves without a binding') && line.includes(fingerprint ?? '?'),
        ),
      ).toHaveLength(lines.length);
    });

    test('and no longer, once a good key is stored', async () => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: 'broken' });
      expect((await served()).fallback).toBe('database_key_unreadable');
      await setOpenrouter({ encrypted_api_key: room.keyward.encrypt(databaseKey) });
      expect(await served()).toEqual(from('database'));
      expect((await room.keyward.ready()).status).toBe('ready');
    });

    test.each(['error', 'untested', 'valid'])('but not when the last test ended in %s', async (status) => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: room.keyward.encrypt(databaseKey) });
      await setOpenrouter({ api_key_test_status: status });
      expect(await served()).toEqual(from('database'));
    });
  });

  describe('a stored key that its provider refuses', () => {
    beforeEach(() => room.provider.setKeys([environmentKey]));

    test('is replaced by that of the environment in the same call, where the source is hybrid', async () => {
      await setOpenrouter({ api_key_source: 'hybrid', encrypted_api_key: room.keyward.encrypt(databaseKey) });
      const response = await room.keyward.chat(ask);
      expect(response.status).toBe(200);
      expect(
        ['source', 'fallback', 'attempts'].map((name) =>
          response.headers.get(`x-keyward-${name === 'source' ? 'key-source' : name}`),
        ),
      ).toEqual(['environment', 'database_key_refused', '2']);
    });

    test('leaves service with the proof of it, and is asked again later', async () => {
      await setOpenrouter({
        api_key_source: 'database',
        encrypted_api_key: room.keyward.encrypt(databaseKey),
      });
      await setOpenrouter({ api_key_test_status: 'invalid' });
      const before = room.provider.requests.length;
      const response = await room.keyward.chat(ask);
      expect([response.status, response.headers.get('x-keyward-attempts')]).toEqual([502, '0']);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ error: { code: 'provider_key_rejected' } });
      expect(room.provider.requests).toHaveLength(before);
      room.provider.setKeys([environmentKey, databaseKey]);
      await expect.poll(served).toEqual(from('database'));
    });
  });

  test('a key that was proven dead is looked at by one call alone, however many ask at once', async () => {
    room.provider.setKeys([environmentKey]);
    const deadKey = ['sk', 'or', 'v1', 'dead'.repeat(16)].join('-');
    await setOpenrouter({ api_key_source: 'database', encrypted_api_key: room.keyward.encrypt(deadKey) });
    await setOpenrouter({ api_key_test_status: 'invalid' });
    let sent = 0;
    await expect
      .poll(async () => {
        const before = room.provider.requests.length;
        await Promise.all(Array.from({ length: 10 }, async () => (await room.keyward.chat(ask)).text()));
        sent = room.provider.requests.slice(before).filter(({ path }) => path.includes('chat')).length;
        return sent > 0;
      })
      .toBe(true);
    expect(sent).toBe(1);
  });

  describe('is_active = false', () => {
    test('means that the provider is not there', async () => {
      await setOpenrouter({ is_active: false });
      expect(await served()).toEqual(refused(404, 'provider_not_found'));
      await setOpenrouter({ is_active: true });
      expect((await served()).status).toBe(200);
    });

    test('means the same for its models by their own names', async () => {
      await room.keyward.change(
        `INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
         SELECT id, 'of-openrouter', 'of-openrouter', 'x' FROM llm_providers WHERE provider_slug = 'openrouter'
         ON CONFLICT DO NOTHING`,
      );
      await setOpenrouter({ is_active: false });
      const response = await room.keyward.chat({ ...ask, model: 'of-openrouter' });
      expect(response.status).toBe(404);
    });

    test('NULL means the same', async () => {
      await setOpenrouter({ is_active: null });
      expect(await served()).toEqual(refused(404, 'provider_not_found'));
    });
  });

  describe('one corrupt row', () => {
    test('sets its provider aside, named with the reason, and all others serve', async () => {
      await room.keyward.setProvider('groq', {
        api_key_source: 'database',
        encrypted_api_key: `gAAAAA${randomBytes(90).toString('base64url')}`,
      });
      const refusal = await room.keyward.chat({ ...ask, model: 'groq/m' });
      expect(refusal.status).toBe(503);
      expect(await refusal.json()).toMatchObject({
        error: {
          code: 'provider_unusable',
          message: expect.stringMatching(/"groq".*does not decrypt/) as string,
        },
      });
      expect(await served()).toEqual(from('environment'));
      const { httpStatus, status, checks } = await room.keyward.ready();
      expect([httpStatus, status]).toEqual([200, 'degraded']);
      expect(checks['providers']).toEqual({
        status: 'degraded',
        set_aside: { groq: expect.stringContaining('does not decrypt') as string },
        remarks: {},
      });
      expect(checks['encryption_key']).toMatchObject({ status: 'degraded' });
      expect(room.keyward.logLines.join('')).toMatch(/"provider":"groq".*set aside/);
      await room.keyward.setProvider('groq', { api_key_source: 'environment', encrypted_api_key: null });
      expect((await room.keyward.ready()).status).toBe('ready');
    });
  });

  describe('a change', () => {
    test('serves the very next request, every time', async () => {
      await setOpenrouter({ api_key_source: 'database' });
      for (let turn = 0; turn < 10; turn += 1) {
        const key = ['sk', 'or', 'v1', randomBytes(32).toString('hex')].join('-');
        room.provider.setKeys([key]);
        await setOpenrouter({ encrypted_api_key: room.keyward.encrypt(key) });
        expect(await served()).toMatchObject({ status: 200, key });
      }
    });

    test('moves the revision that answers name', async () => {
      const { revision: before } = room.keyward.snapshot;
      await setOpenrouter({ display_name: `Router ${before}` });
      const { headers } = await room.keyward.chat(ask);
      expect(headers.get('x-keyward-revision')).toBe(String(before + 1));
    });

    test('that is rolled back changes nothing', async () => {
      await room.keyward.change(
        `BEGIN; UPDATE llm_providers SET is_active = false; DELETE FROM llm_providers; ROLLBACK`,
      );
      expect(await served()).toEqual(from('environment'));
    });

    test('of the address sends the next request there', async () => {
      const other = await startStandInProvider({ slug: 'groq', keys: [databaseKey] });
      await room.keyward.setProvider('groq', {
        base_url: `${other.baseUrl}/`,
        api_key_source: 'database',
        encrypted_api_key: room.keyward.encrypt(databaseKey),
      });
      const response = await room.keyward.chat({ ...ask, model: 'groq/m' });
      expect(response.status).toBe(200);
      expect(other.requests[0]?.path).toBe('/openai/v1/chat/completions');
      await other.close();
    });

    test('does not touch a request that is under way', async () => {
      room.provider.behave({ cut: { afterBytes: 100, ending: 'stall' }, requests: 1 });
      const underWay = await room.keyward.chat({ ...ask, stream: true });
      await room.provider.waitForStall();
      await setOpenrouter({ is_active: false });
      expect((await served()).status).toBe(404);
      room.provider.release('rest');
      expect(await underWay.text()).toMatch(/data: \[DONE\]\n\n$/);
    });

    test('by a new row makes a new provider', async () => {
      await room.keyward.change(
        `INSERT INTO llm_providers (provider_name, provider_slug, display_name, base_url, api_key_source, encrypted_api_key)
         VALUES ('house', 'house-llm', 'House', $1, 'database', $2)`,
        [room.provider.baseUrl, room.keyward.encrypt(databaseKey)],
      );
      expect((await room.keyward.chat({ ...ask, model: 'house-llm/m' })).status).toBe(200);
      await room.keyward.change(`DELETE FROM llm_providers WHERE provider_slug = 'house-llm'`);
      expect((await room.keyward.chat({ ...ask, model: 'house-llm/m' })).status).toBe(404);
    });

    test('of one that was stored with a line break at its end serves all the same', async () => {
      await setOpenrouter({
        api_key_source: 'database',
        encrypted_api_key: room.keyward.encrypt(`${databaseKey}\n`),
      });
      expect(await served()).toEqual(from('database'));
    });
  });
});

function foreignToken(): string {
  return KeyRing.parse(generateEncryptionKey()).encrypt(new Secret(databaseKey));
}
