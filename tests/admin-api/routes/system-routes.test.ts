/** GET /api/v1/admin/system: the migrations and the configuration, without secrets. */
import { expect, it, onTestFinished } from 'vitest';
import { callAdmin } from '../../support/administered-keyward.ts';
import { adminToken, gatewayToken, startKeyward } from '../../support/running-keyward.ts';

it('tells every migration and every setting, what was set to what, and no secret', async () => {
  const misplaced = ['sk', 'or', 'v1', 'beef'.repeat(16)].join('-');
  const keyward = await startKeyward({
    env: {
      ALLOWED_HOSTS: `keyward.internal,${misplaced}`,
      OPENROUTER_BASE_URL: 'https://somebody:planted-password@proxy.example.com/v1',
      GROQ_API_KEY: misplaced,
      NOBODY_BASE_URL: 'https://nobody.example.com',
    },
  });
  onTestFinished(async () => keyward.stop());
  const { status, body, text } = await callAdmin(keyward.server.url, 'GET /api/v1/admin/system');
  expect(status).toBe(200);
  const migrations = body['migrations'] as { version: string; state: string }[];
  expect(migrations.map(({ version }) => version)).toContain('002');
  expect(migrations.map(({ state }) => state)).toEqual(migrations.map(() => 'applied'));
  expect(body['settings']).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'HEALTH_TEST_WINDOW', is_set: true, value: 'off' }),
      expect.objectContaining({ name: 'MAX_BODY_BYTES', is_set: false, value: null }),
      expect.objectContaining({ name: 'BYOK_ENCRYPTION_KEY', is_set: true, value: null }),
      expect.objectContaining({
        name: 'OPENROUTER_BASE_URL',
        is_set: true,
        value: 'https://[redacted]@proxy.example.com/v1',
      }),
      expect.objectContaining({ name: 'GROQ_API_KEY', is_set: true, value: null }),
    ]),
  );
  expect(text).not.toContain('NOBODY_BASE_URL');
  const secrets = [
    'planted-password',
    adminToken,
    gatewayToken,
    misplaced,
    keyward.environment['BYOK_ENCRYPTION_KEY'] ?? '',
  ];
  for (const secret of secrets) expect(text).not.toContain(secret);
});
