/**
 * Every route of the admin API that changes something, with a request that does: what has to be there before,
 * and what is sent. A new route belongs in here; the promise that goes through them says so. The callback of
 * single sign-on, which changes by reading, is tested with its routes.
 */
import type { AskOptions } from './administrators.ts';
import { newToken, signIn } from './administrators.ts';
import { firstKey, secondKey } from './administered-keyward.ts';
import { adminToken, type RunningKeyward } from './running-keyward.ts';

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

/** By the route as docs/access.md shows it. */
export const mutatingRoutes: Readonly<Record<string, MakeWrite>> = {
  'POST /api/v1/admin/providers': async () =>
    byAdmin(providers, { slug: 'ours', display_name: 'Ours', base_url: 'https://llm.example.com/v1' }),
  'PATCH /api/v1/admin/providers/{slug}': async () => byAdmin(`${providers}/groq`, { display_name: 'Other' }),
  'DELETE /api/v1/admin/providers/{slug}': async () => byAdmin(`${providers}/xai?force=true`),
  'POST /api/v1/admin/providers/{slug}/set-key': async () =>
    byAdmin(`${providers}/${slug}/set-key`, { api_key: secondKey, skip_test: true }),
  'POST /api/v1/admin/providers/{slug}/test-key': async () => byAdmin(`${providers}/${slug}/test-key`),
  'POST /api/v1/admin/providers/test-all': async () => byAdmin(`${providers}/test-all`),
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
  'DELETE /api/v1/admin/tokens/{id}': async (keyward) =>
    byAdmin(`/api/v1/admin/tokens/${(await newToken(keyward)).id}`),
};
