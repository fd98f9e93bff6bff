/** The callers in a real browser: gateway tokens that a real gateway takes, and what was used with each. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAccessible, looks, usePage } from '../support/page-in-browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { adminToken } from '../support/running-keyward.ts';

describe('the callers', () => {
  const { signedIn } = usePage();
  let world: PageWorld;
  beforeAll(async () => {
    world = await startPageWorld();
  });
  afterAll(async () => world.close());

  it('a gateway token is made, shown once, calls, is told with its usage, and is revoked by its name', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    await page.getByText('No gateway token is stored').waitFor();
    await page.getByRole('button', { name: 'Make a gateway token' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('the shop');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.getByRole('dialog').getByText(/^kwg_/).innerText();
    // It is shown this once: only who says so is past it.
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'I have copied it' }).click();
    const row = page.getByRole('row', { name: /the shop/ });
    await row.getByText('Good').waitFor();
    expect(await page.content()).not.toContain(token);
    const call = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await world.keyward.chat(undefined, { headers });
      await answer.text();
      return answer.status;
    };
    expect([await call(), await call()]).toEqual([200, 200]);
    await expect
      .poll(async () => (await world.keyward.sql('SELECT requests::int FROM keyward_usage_daily'))[0])
      .toEqual({ requests: 2 });
    await page.reload();
    await row.getByRole('cell', { name: '2', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Revoke the shop' }).click();
    await page.getByText('Calls with it are refused with 401').waitFor();
    await page.getByLabel(/to go on/).fill('the shop');
    await page.keyboard.press('Enter');
    await row.getByText('Revoked').waitFor();
    expect(await call()).toBe(401);
  });

  it('tells what was used with the token of the environment', async () => {
    await (await world.keyward.chat()).text();
    await expect
      .poll(async () => (await world.keyward.sql('SELECT FROM keyward_usage_daily')).length)
      .toBe(2);
    const page = await signedIn(world.url, adminToken, '/callers');
    await page.getByText(/KEYWARD_GATEWAY_TOKEN\): 1 request, \$0\.\d+ in 30 days/).waitFor();
  });

  it('a viewer sees all of it and can press nothing', async () => {
    await world.keyward.sql('UPDATE keyward_tokens SET revoked_at = NULL');
    const page = await signedIn(world.url, await world.makeToken('viewer'), '/callers');
    expect(await page.getByRole('button', { name: 'Make a gateway token' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Revoke the shop' }).isDisabled()).toBe(true);
  });

  it.each(looks)('axe-core finds nothing and nothing is cut off: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(world.url, adminToken, '/callers', { colorScheme, width });
    await page.getByRole('table', { name: 'Gateway tokens' }).waitFor();
    await page.getByText(/in 30 days\.$/).waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });
});
