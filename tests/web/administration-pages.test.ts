/** Administrators, Encryption and System, in a real browser, through the real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { callAdmin, firstKey } from '../support/administered-keyward.ts';
import { expectAccessible, looks, usePage } from '../support/page-in-browser.ts';
import {
  adminToken,
  newPlace,
  startKeyward,
  type Place,
  type RunningKeyward,
} from '../support/running-keyward.ts';

describe('the pages of administration', () => {
  const { signedIn } = usePage();
  let place: Place;
  let keyward: RunningKeyward;
  beforeAll(async () => {
    place = await newPlace();
    keyward = await startKeyward({ place });
    await callAdmin(keyward.server.url, 'POST /api/v1/admin/providers/openrouter/set-key', {
      body: { api_key: firstKey, skip_test: true },
    });
    await keyward.stop();
    const ring = `${generateEncryptionKey().reveal()},${place.environment['BYOK_ENCRYPTION_KEY'] ?? ''}`;
    keyward = await startKeyward({
      place,
      env: { BYOK_ENCRYPTION_KEY: ring, OPENROUTER_BASE_URL: 'https://proxy.example.com/v1' },
    });
  });
  afterAll(async () => {
    await keyward.stop();
    await place.remove();
  });
  const url = (): string => keyward.server.url;
  const statusWith = async (token: string): Promise<number> =>
    (await callAdmin(url(), 'GET /api/v1/admin/session', { token })).status;

  it('a token is made, shown once, works, and is revoked by its name', async () => {
    const page = await signedIn(url(), adminToken, '/administrators');
    await page.getByText('No admin token is stored').waitFor();
    await page.getByRole('button', { name: 'Make an admin token' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('the night shift');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.getByRole('dialog').getByText(/^kwa_/).innerText();
    expect(await statusWith(token)).toBe(200);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'I have copied it' }).click();
    const row = page.getByRole('row', { name: /the night shift/ });
    await row.getByText('Viewer').waitFor();
    expect(await page.content()).not.toContain(token);
    await page.getByRole('button', { name: 'Revoke the night shift' }).click();
    await page.getByLabel(/to go on/).fill('the night shift');
    await page.getByRole('button', { name: 'Revoke the token' }).click();
    await row.getByText('Revoked').waitFor();
    expect(await statusWith(token)).toBe(401);
  });

  it('a long name breaks, and no short word beside it', async () => {
    const name = `the-token-of-${'a-deployment-that-nobody-named-shorter-'.repeat(3)}eu`;
    const made = await callAdmin(url(), 'POST /api/v1/admin/tokens', {
      body: { kind: 'admin', name, role: 'admin' },
    });
    expect(made.status).toBe(201);
    const page = await signedIn(url(), adminToken, '/administrators');
    const role = page
      .getByRole('row', { name: new RegExp(name) })
      .getByRole('cell', { name: 'Administrator', exact: true });
    await role.waitFor();
    const lines = await role.evaluate((cell) => {
      const text = cell.ownerDocument.createRange();
      text.selectNodeContents(cell.lastChild ?? cell);
      return new Set(Array.from(text.getClientRects(), ({ top }) => top)).size;
    });
    expect(lines).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(1280);
  });

  it('the tabs are part of the address, and back is back', async () => {
    const page = await signedIn(url(), adminToken, '/administrators');
    await page.getByRole('tab', { name: 'Sessions' }).click();
    await page.waitForURL('**/administrators?tab=sessions');
    await page.goBack();
    await page.getByRole('table', { name: 'Admin tokens' }).waitFor();
  });

  it('a session is ended, also the own one, which leads to the sign-in', async () => {
    const page = await signedIn(url(), adminToken, '/administrators?tab=sessions');
    const own = page.getByRole('row', { name: /you, here/ });
    await own.waitFor();
    await expectAccessible(page);
    await own.getByRole('button', { name: /^End the session/ }).click();
    await page.getByRole('button', { name: 'End the session', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('whoever revokes the token they are signed in with is told before, and after it why they are out', async () => {
    const { body: made } = await callAdmin(url(), 'POST /api/v1/admin/tokens', {
      body: { kind: 'admin', name: 'my own', role: 'admin' },
    });
    const { body: listed } = await callAdmin(url(), 'GET /api/v1/admin/tokens?kind=admin&state=good');
    for (const { id, name } of listed['data'] as { id: number; name: string }[])
      if (name !== 'my own') await callAdmin(url(), `DELETE /api/v1/admin/tokens/${id}`);
    const page = await signedIn(url(), String(made['token']), '/administrators');
    await page.getByRole('button', { name: 'Revoke my own' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('You are signed in with this token').waitFor();
    await dialog.getByText('No other stored token may change anything afterwards').waitFor();
    await expectAccessible(page);
    await dialog.getByLabel(/to go on/).fill('my own');
    await dialog.getByRole('button', { name: 'Revoke the token' }).click();
    await page.getByText('Your session is over').waitFor();
    await page.getByText('npx keyward tokens create --admin NAME').waitFor();
    expect(await page.getByRole('main').innerText()).not.toContain('`');
    await expectAccessible(page);
  });

  it('everything is re-encrypted under the active key, and what is left under the other is told', async () => {
    const page = await signedIn(url(), adminToken, '/encryption');
    await page.getByRole('row', { name: /Decrypts only/ }).waitFor();
    const elsewhere = await signedIn(url(), adminToken, '/encryption');
    await elsewhere.getByRole('button', { name: /^Re-encrypt \d+ rows/ }).waitFor();
    await page.getByRole('button', { name: /^Re-encrypt \d+ rows/ }).click();
    await page.getByText(/rows were encrypted anew/).waitFor();
    await page.getByText('Every row is under the active key.').waitFor();
    await page.getByRole('row', { name: /Decrypts only.* 0$/ }).waitFor();
    await elsewhere.getByText('Every row is under the active key.').waitFor();
  });

  it('the instances, the migrations and the configuration are told, without secrets', async () => {
    const page = await signedIn(url(), adminToken, '/system');
    await page.getByRole('row', { name: /answers you/ }).waitFor();
    await page.getByRole('tab', { name: 'Migrations' }).click();
    await page.getByRole('row', { name: /002 add system api keys.*Applied/ }).waitFor();
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await page.getByRole('row', { name: /BYOK_ENCRYPTION_KEY set, not shown/ }).waitFor();
    await page.getByRole('row', { name: /OPENROUTER_BASE_URL https:\/\/proxy.example.com\/v1/ }).waitFor();
    await page.getByLabel('Those that are not set, too').check({ force: true });
    await page.getByRole('row', { name: /MAX_BODY_BYTES not set/ }).waitFor();
    expect(await page.content()).not.toContain(place.environment['BYOK_ENCRYPTION_KEY'] ?? 'none');
  });

  it.each(looks)('axe-core finds nothing and nothing is cut off: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(url(), adminToken, '/administrators', { colorScheme, width });
    for (const path of [
      '/administrators',
      '/encryption',
      '/system',
      '/system?tab=migrations',
      '/system?tab=configuration',
    ]) {
      await page.goto(url() + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('status', { name: /^Reading/ }).waitFor({ state: 'detached' });
      await expectAccessible(page);
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(width);
    }
  });

  it('a viewer sees all of it and can press nothing', async () => {
    const { body } = await callAdmin(url(), 'POST /api/v1/admin/tokens', {
      body: { kind: 'admin', name: 'somebody who looks', role: 'viewer' },
    });
    const page = await signedIn(url(), String(body['token']), '/administrators');
    expect(await page.getByRole('button', { name: 'Make an admin token' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Revoke somebody who looks' }).isDisabled()).toBe(true);
    await page.goto(`${url()}/encryption`);
    await page.getByRole('table', { name: 'Encryption keys' }).waitFor();
  });
});
