/** Single sign-on as a person meets it: in a real browser, at a real identity provider. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider.ts';
import { expectAccessible, usePage } from '../support/page-in-browser.ts';
import { startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

const { visit } = usePage();
let identity: IdentityProvider;
let keyward: RunningKeyward;
beforeAll(async () => {
  const port = await freePort();
  const redirectUrl = `http://127.0.0.1:${port}/api/v1/admin/session/oidc/callback`;
  const clientSecret = ['planted', 'client', 'secret', '5e0a'].join('-');
  identity = await startIdentityProvider({ redirectUrl, clientSecret });
  keyward = await startKeyward({
    env: {
      PORT: String(port),
      OIDC_ISSUER: identity.issuer,
      OIDC_CLIENT_ID: identity.clientId,
      OIDC_CLIENT_SECRET: clientSecret,
      OIDC_REDIRECT_URL: redirectUrl,
    },
  });
});
afterAll(async () => {
  await keyward.stop();
  await identity.close();
});
const at = async (path: string) => visit(`${keyward.server.url}${path}`, { leaveFor: identity.issuer });

it('an administrator comes back to where they wanted to go, signed in, and signs out', async () => {
  identity.person = {
    sub: 'f1f4-admin',
    preferred_username: 'chief',
    realm_access: { roles: ['keyward-admin'] },
  };
  const page = await at('/providers?q=openrouter');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Single sign-on' }).click();
  await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
  expect(new URL(page.url()).search).toBe('?q=openrouter');
  expect(await page.getByRole('button', { name: 'Add a provider' }).isEnabled()).toBe(true);
  await page.goto(`${keyward.server.url}/administrators?tab=sessions`);
  await page.getByRole('row', { name: /chief \(you, here\).*Single sign-on/ }).waitFor();
  await page.getByRole('button', { name: 'Account: chief' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

it('a viewer may look, and somebody without a role is told why they may not come in', async () => {
  identity.person = {
    sub: 'f1f4-viewer',
    preferred_username: 'auditor',
    realm_access: { roles: ['keyward-viewer'] },
  };
  const page = await at('/providers');
  await page.getByRole('link', { name: 'Single sign-on' }).click();
  await page.getByRole('button', { name: 'Account: auditor' }).waitFor();
  expect(await page.getByRole('button', { name: 'Add a provider' }).isDisabled()).toBe(true);

  identity.person = { sub: 'f1f4-nobody', preferred_username: 'stranger' };
  const other = await at('/providers');
  await other.getByRole('link', { name: 'Single sign-on' }).click();
  await other.getByRole('heading', { name: 'Not signed in' }).waitFor();
  await other.getByText('You have no role here.').waitFor();
  await other.getByRole('link', { name: 'Back' }).click();
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
});
