/**
 * Every route of the admin API that changes something, with a request that does: what has to be there before,
 * and what is sent. A new route belongs in here; the promise that goes through them says so. The callback of
 * single sign-on, which changes by reading, is tested with its routes.
 */
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { AskOptions } from './administrators.ts';
import { ask, newToken, signIn } from './administrators.ts';
import { firstKey, secondKey } from './administered-keyward.ts';
import { adminToken, type RunningKeyward } from './running-keyward.ts';
import { managementKey, StandInManagement } from './stand-in-management.ts';
import { startStandInProvider } from './stand-in-provider.ts';

interface Write extends AskOptions {
  readonly path: string;
}

/** Prepares what the route needs, and says what to send. */
type MakeWrite = (keyward: RunningKeyward) => Promise<Write>;

const providers = '/api/v1/admin/providers';
const slug = 'openrouter';
const byAdmin = (path: string, body?: object): Write => ({
  path,
  token: adminToken,
  ...(body !== undefined && { body }),
});

const rotations = `${providers}/${slug}/rotations`;

/** One that is staged, its new key on trial where wanted; whatever was open before is given up. */
async function openRotation(keyward: RunningKeyward, ...steps: readonly string[]): Promise<void> {
  await keyward.setProvider(slug, { encrypted_api_key: keyward.encrypt(firstKey) });
  await write(keyward, rotations, { api_key: secondKey, soak_seconds: 0 });
  for (const step of steps) await write(keyward, `${rotations}/open/${step}`, forced);
}

const forced = { force: true, reason: 'the test says so' };

async function write(
  keyward: RunningKeyward,
  path: string,
  body: object,
  method = 'POST',
  expected = 200,
): Promise<void> {
  const answer = await ask(keyward, `${method} ${path}` as `${string} /${string}`, {
    token: adminToken,
    body,
  });
  if (answer.status !== expected) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

const alerts = '/api/v1/admin/alerts';
const channels = '/api/v1/admin/alert-channels';

/** As a look would have opened it; the next look leaves it open for a while. */
async function openAlert(keyward: RunningKeyward): Promise<string> {
  const [row] = await keyward.sql<{ id: string }>(
    `INSERT INTO keyward_alerts (cause, kind, severity, details)
     VALUES ('planted ' || gen_random_uuid(), 'planted', 'info', '{"what": "planted"}') RETURNING id`,
  );
  return row?.id ?? '';
}

async function addChannel(keyward: RunningKeyward): Promise<string> {
  const name = `the log ${randomUUID().slice(0, 8)}`;
  await write(keyward, channels, { name, kind: 'log' }, 'POST', 201);
  const [row] = await keyward.sql<{ id: number }>('SELECT max(id) AS id FROM keyward_alert_channels');
  return String(row?.id);
}

/** As the platform's own code would store one. */
async function addUserKey(keyward: RunningKeyward): Promise<number> {
  const [row] = await keyward.sql<{ id: number }>(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
     SELECT 'user ' || gen_random_uuid(), id, $2 FROM llm_providers WHERE provider_slug = $1 RETURNING id`,
    [slug, keyward.encrypt(firstKey)],
  );
  return row?.id ?? 0;
}

const schedule = { every_days: 90 };
/** Nobody listens there, which is no refusal. */
const management = { credential: managementKey, base_url: 'http://127.0.0.1:9' };

/** By the route as docs/access.md shows it. */
const inThirtyDays = ({ server }: RunningKeyward): string =>
  new Date(server.installation.clock.now().getTime() + 30 * 86_400_000).toISOString();

export const mutatingRoutes: Readonly<Record<string, MakeWrite>> = {
  'POST /api/v1/admin/providers': async () =>
    byAdmin(providers, { slug: 'ours', display_name: 'Ours', base_url: 'https://llm.example.com/v1' }),
  'PATCH /api/v1/admin/providers/{slug}': async () => byAdmin(`${providers}/groq`, { display_name: 'Other' }),
  'DELETE /api/v1/admin/providers/{slug}': async () => byAdmin(`${providers}/xai?force=true`),
  'POST /api/v1/admin/providers/{slug}/set-key': async () =>
    byAdmin(`${providers}/${slug}/set-key`, { api_key: secondKey, skip_test: true }),
  'POST /api/v1/admin/providers/{slug}/test-key': async () => byAdmin(`${providers}/${slug}/test-key`),
  'POST /api/v1/admin/providers/test-all': async () => byAdmin(`${providers}/test-all`),
  'POST /api/v1/admin/health/tests/run': async () => byAdmin('/api/v1/admin/health/tests/run'),
  'PUT /api/v1/admin/providers/{slug}/key-policy': async () =>
    byAdmin(`${providers}/${slug}/key-policy`, { due_days: 60, owner: 'somebody' }),
  'POST /api/v1/admin/providers/{slug}/key-policy/snooze': async () =>
    byAdmin(`${providers}/${slug}/key-policy/snooze`, { days: 7, reason: 'the test says so' }),
  'PUT /api/v1/admin/providers/{slug}/key-expiry': async (keyward) => {
    await keyward.setProvider(slug, { encrypted_api_key: keyward.encrypt(firstKey) });
    return byAdmin(`${providers}/${slug}/key-expiry`, { expires_at: '2099-01-31T12:00:00Z' });
  },
  'DELETE /api/v1/admin/providers/{slug}/remove-key': async (keyward) => {
    await keyward.setProvider(slug, { encrypted_api_key: keyward.encrypt(firstKey) });
    return byAdmin(`${providers}/${slug}/remove-key`);
  },
  'POST /api/v1/admin/session': async () => ({
    path: '/api/v1/admin/session',
    body: { token: adminToken },
  }),
  'DELETE /api/v1/admin/session': async (keyward) => ({
    path: '/api/v1/admin/session',
    session: await signIn(keyward),
  }),
  'DELETE /api/v1/admin/sessions': async (keyward) => ({
    path: '/api/v1/admin/sessions',
    session: await signIn(keyward),
  }),
  'DELETE /api/v1/admin/sessions/{id}': async (keyward) =>
    byAdmin(`/api/v1/admin/sessions/${(await signIn(keyward)).id}`),
  'POST /api/v1/admin/tokens': async () => byAdmin('/api/v1/admin/tokens', { name: 'an application' }),
  'PATCH /api/v1/admin/tokens/{id}': async (keyward) =>
    byAdmin(`/api/v1/admin/tokens/${(await newToken(keyward, { kind: 'gateway' })).id}`, {
      requests_per_minute: 60,
    }),
  'DELETE /api/v1/admin/tokens/{id}': async (keyward) =>
    byAdmin(`/api/v1/admin/tokens/${(await newToken(keyward)).id}`),
  'DELETE /api/v1/admin/user-keys/{id}': async (keyward) =>
    byAdmin(`/api/v1/admin/user-keys/${await addUserKey(keyward)}`, {}),
  'PUT /api/v1/admin/model-aliases': async () =>
    byAdmin('/api/v1/admin/model-aliases', { alias: 'fast', targets: ['groq/llama-3'] }),
  'DELETE /api/v1/admin/model-aliases': async (keyward) => {
    await write(keyward, '/api/v1/admin/model-aliases', { alias: 'gone', targets: ['groq/llama-3'] }, 'PUT');
    return byAdmin('/api/v1/admin/model-aliases?alias=gone');
  },
  'POST /api/v1/admin/providers/{slug}/rotations': async (keyward) => {
    await keyward.setProvider(slug, { encrypted_api_key: keyward.encrypt(firstKey) });
    return byAdmin(rotations, { api_key: secondKey });
  },
  'POST /api/v1/admin/providers/{slug}/rotations/{id}/test': async (keyward) => {
    await openRotation(keyward);
    return byAdmin(`${rotations}/open/test`, {});
  },
  'POST /api/v1/admin/providers/{slug}/rotations/{id}/canary': async (keyward) => {
    await openRotation(keyward);
    return byAdmin(`${rotations}/open/canary`, forced);
  },
  'POST /api/v1/admin/providers/{slug}/rotations/{id}/promote': async (keyward) => {
    await openRotation(keyward, 'canary');
    return byAdmin(`${rotations}/open/promote`, forced);
  },
  'POST /api/v1/admin/providers/{slug}/rotations/{id}/rollback': async (keyward) => {
    await openRotation(keyward, 'canary', 'promote');
    return byAdmin(`${rotations}/open/rollback`, {});
  },
  'POST /api/v1/admin/providers/{slug}/rotations/{id}/retire': async (keyward) => {
    await openRotation(keyward, 'canary', 'promote');
    return byAdmin(`${rotations}/open/retire`, forced);
  },
  'POST /api/v1/admin/providers/{slug}/rotations/{id}/cancel': async (keyward) => {
    await openRotation(keyward);
    return byAdmin(`${rotations}/open/cancel`, {});
  },
  'POST /api/v1/admin/alerts/{id}/acknowledge': async (keyward) =>
    byAdmin(`${alerts}/${await openAlert(keyward)}/acknowledge`, {}),
  'POST /api/v1/admin/alerts/{id}/snooze': async (keyward) =>
    byAdmin(`${alerts}/${await openAlert(keyward)}/snooze`, { until: inThirtyDays(keyward) }),
  'POST /api/v1/admin/alerts/{id}/resolve': async (keyward) =>
    byAdmin(`${alerts}/${await openAlert(keyward)}/resolve`, {}),
  'POST /api/v1/admin/alert-channels': async () => byAdmin(channels, { name: 'the log', kind: 'log' }),
  'PATCH /api/v1/admin/alert-channels/{id}': async (keyward) =>
    byAdmin(`${channels}/${await addChannel(keyward)}`, { is_active: false }),
  'DELETE /api/v1/admin/alert-channels/{id}': async (keyward) =>
    byAdmin(`${channels}/${await addChannel(keyward)}`, {}),
  'POST /api/v1/admin/alert-channels/{id}/test': async (keyward) =>
    byAdmin(`${channels}/${await addChannel(keyward)}/test`, {}),
  'PUT /api/v1/admin/providers/{slug}/rotation-schedule': async () =>
    byAdmin(`${providers}/${slug}/rotation-schedule`, schedule),
  'DELETE /api/v1/admin/providers/{slug}/rotation-schedule': async (keyward) => {
    await write(keyward, `${providers}/${slug}/rotation-schedule`, schedule, 'PUT');
    return byAdmin(`${providers}/${slug}/rotation-schedule`, {});
  },
  'PUT /api/v1/admin/providers/{slug}/key-management': async () =>
    byAdmin(`${providers}/${slug}/key-management`, management),
  'DELETE /api/v1/admin/providers/{slug}/key-management': async (keyward) => {
    await write(keyward, `${providers}/${slug}/key-management`, management, 'PUT');
    return byAdmin(`${providers}/${slug}/key-management`, {});
  },
  'POST /api/v1/admin/providers/{slug}/key-management/sweep': async (keyward) => {
    const provider = await startStandInProvider({ keys: [] });
    const there = new StandInManagement(provider);
    await there.listen();
    onTestFinished(async () => {
      await there.close();
      await provider.close();
    });
    const stored = { credential: managementKey, base_url: there.baseUrl };
    await write(keyward, `${providers}/${slug}/key-management`, stored, 'PUT');
    return byAdmin(`${providers}/${slug}/key-management/sweep`, {});
  },
  // The last one: it goes on in the background, and would change what others compare.
  'POST /api/v1/admin/encryption-keys/reencrypt': async () =>
    byAdmin('/api/v1/admin/encryption-keys/reencrypt', {}),
};
