/**
 * Every route lets in whom it says and nobody else. The routes come from the app itself, so one that is added
 * is tested as it is, and docs/access.md is only true if a running server answers as it says.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  accessDocument,
  askers,
  expectedRow,
  shownRoute,
  type AccessRow,
  type Asker,
  type Outcome,
} from '../../scripts/access-document.ts';
import { adminRoutes } from '../../scripts/admin-routes.ts';
import { generatedNotice } from '../../scripts/generated-docs.ts';
import type { DeclaredRoute } from '../../src/admin-api/admission.ts';
import { generateToken } from '../../src/auth/token.ts';
import { ask, behindProxy, newToken, signIn, type AskOptions } from '../support/administrators.ts';
import { gatewayToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

const routes = await adminRoutes();
if (routes.length < 15) throw new Error('these cannot be all routes');

/** A path that leads to nothing that exists, whatever the parameter is. */
function pathOf({ url }: DeclaredRoute): string {
  return url.replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000');
}

describe('each route', { timeout: 120_000 }, () => {
  let keyward: RunningKeyward;
  let credentials: Readonly<Record<Asker, () => Promise<AskOptions>>>;
  let asked = 0;
  beforeAll(async () => {
    keyward = await startKeyward({ engine: 'postgres', env: behindProxy });
    const viewer = await newToken(keyward, { role: 'viewer' });
    const admin = await newToken(keyward);
    const expired = await newToken(keyward, { expiresAt: new Date(Date.now() - 1_000) });
    credentials = {
      'no token': async () => ({}),
      'wrong token': async () => ({ token: generateToken('admin').reveal() }),
      'expired token': async () => ({ token: expired.token }),
      'gateway token': async () => ({ token: gatewayToken }),
      'viewer token': async () => ({ token: viewer.token }),
      'admin token': async () => ({ token: admin.token }),
      'viewer session': async () => ({ session: await signIn(keyward, viewer.token) }),
      'admin session without CSRF token': async () => ({
        session: await signIn(keyward, admin.token),
        csrf: false,
      }),
    };
  });
  afterAll(async () => keyward.stop());

  async function outcome(route: DeclaredRoute, asker: Asker): Promise<Outcome> {
    asked += 1;
    const response = await ask(keyward, `${route.method} ${pathOf(route)}` as `${string} /${string}`, {
      ...(await credentials[asker]()),
      // From where nobody has failed yet, so that nobody is slowed down.
      from: `10.0.${Math.floor(asked / 250)}.${(asked % 250) + 1}`,
      ...(route.method === 'GET' || route.method === 'DELETE' ? {} : { body: {} }),
    });
    const { status } = response;
    // A stream goes on and on: that it has begun is answer enough.
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
      await response.body?.cancel();
      return 'yes';
    }
    const text = await response.text();
    if (route.url !== '/assets/:name') expect(text).not.toContain('route_not_found');
    if (status === 401 || status === 429) return `${status}`;
    return status === 403 && /"(?:role_insufficient|csrf_refused)"/.test(text) ? '403' : 'yes';
  }

  it.each(routes.map((route) => [shownRoute(route), route] as const))('%s', async (_shown, route) => {
    const outcomes = {} as Record<Asker, Outcome>;
    for (const asker of askers) outcomes[asker] = await outcome(route, asker);
    expect(outcomes).toEqual(expectedRow(route).outcomes);
  });

  it('stands in docs/access.md as it answers', () => {
    const rows: readonly AccessRow[] = routes.map((route) => expectedRow(route));
    expect(readFileSync(new URL('../../docs/access.md', import.meta.url), 'utf8')).toBe(
      accessDocument(generatedNotice, rows),
    );
  });
});
