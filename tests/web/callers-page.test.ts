/**
 * The callers in a real browser: gateway tokens that a real gateway takes, what each may use and has used, and the
 * keys that users brought to it.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin, firstKey } from '../support/administered-keyward.ts';
import { eventsOf } from '../support/administrators.ts';
import { limitedToken } from '../support/limited-tokens.ts';
import {
  expectAccessible,
  expectNoSidewaysAtDoubleText,
  looks,
  usePage,
} from '../support/page-in-browser.ts';
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
    await row.getByText('No limits').waitFor();
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
    // There is nothing left to limit.
    expect(await row.getByRole('button').count()).toBe(0);
  });

  const limitsOf = async (page: Page, name: string) => {
    await page.getByRole('button', { name: `Limits of ${name}` }).click();
    return page.getByRole('dialog', { name: `Limits of ${name}` });
  };
  const save = { name: 'Save the limits' };

  it('a token is made with limits, whose faults stand at their fields, and the gateway keeps to them', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    await page.getByRole('button', { name: 'Make a gateway token' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a gateway token' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('the app');
    await dialog.getByText('No limits.').waitFor();
    const section = dialog.getByRole('button', { name: 'Owner and limits' });
    expect(await section.getAttribute('aria-expanded')).toBe('false');
    await section.click();
    await dialog.getByLabel('Owner', { exact: true }).fill('ada');
    await dialog.getByRole('combobox', { name: 'Only these providers' }).click();
    await page.getByRole('option', { name: 'OpenRouter' }).click();
    await page.keyboard.press('Escape');
    await dialog.getByLabel('Only these models').fill('openrouter/google/*\nno model');
    await dialog.getByLabel('Requests a minute').fill('60');
    await dialog.getByLabel('USD a day').fill('5');
    await expectAccessible(page);
    // Its fault is said where it is, also when the section was closed.
    await section.click();
    await dialog
      .getByText(
        'Of ada. Only openrouter; only openrouter/google/* and no model; 60 requests a minute; $5.00 a day.',
      )
      .waitFor();
    await dialog.getByRole('button', { name: 'Make the token' }).click();
    const models = dialog.getByLabel('Only these models');
    await expect.poll(async () => models.getAttribute('aria-invalid')).toBe('true');
    await dialog.getByText('must hold models as provider/model').waitFor();
    await models.fill('openrouter/google/*');
    await dialog.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.getByRole('dialog').getByText(/^kwg_/).innerText();
    await page.getByRole('button', { name: 'I have copied it' }).click();
    const row = page.getByRole('row', { name: /the app/ });
    await row
      .getByText('Only openrouter; only openrouter/google/*; 60 requests a minute; $5.00 a day')
      .waitFor();
    await row.getByText(/^kwg_.*… of ada$/).waitFor();
    const headers = { authorization: `Bearer ${token}` };
    const refused = await world.keyward.chat(undefined, { headers });
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([
      403,
      'token_not_allowed',
    ]);
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('60');
  });

  it('limits are changed with a reason; what is left as it is stays as somebody else has set it meanwhile', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    const dialog = await limitsOf(page, 'the app');
    expect(await dialog.getByRole('button', save).isDisabled()).toBe(true);
    await expectAccessible(page);
    const tokens = '/api/v1/admin/tokens';
    const { body } = await callAdmin(world.url, `GET ${tokens}?q=the%20app`);
    const [{ id } = { id: 0 }] = body['data'] as { id: number }[];
    await callAdmin(world.url, `PATCH ${tokens}/${id}`, { body: { tokens_per_minute: 9000 } });
    await dialog.getByLabel('Only these models').fill('');
    await dialog.getByLabel('Requests a minute').fill('7');
    await dialog.getByLabel('USD a month').fill('0.5');
    await dialog.getByLabel('Reason').fill('it asks too much');
    await dialog.getByRole('button', save).click();
    await page
      .getByRole('row', { name: /the app/ })
      .getByText('Only openrouter; 7 requests a minute; 9,000 tokens a minute; $5.00 a day; $0.50 a month')
      .waitFor();
    expect((await eventsOf(world.keyward, 'token.limited')).at(-1)).toMatchObject({
      reason: 'it asks too much',
      before: { requests_per_minute: 60, tokens_per_minute: 9000 },
      after: { owner: 'ada', allowed_models: null, requests_per_minute: 7, monthly_budget_usd: 0.5 },
    });
  });

  it('a limit that is refused is said at its field, and nothing is changed', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    const dialog = await limitsOf(page, 'the app');
    await dialog.getByLabel('Only these models').fill('groq/llama\nllama');
    await dialog.getByRole('button', save).click();
    const models = dialog.getByLabel('Only these models');
    await expect.poll(async () => models.getAttribute('aria-invalid')).toBe('true');
    expect(await dialog.getByRole('alert').count()).toBe(0);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Only openrouter; 7 requests a minute').waitFor();
  });

  it('emptied fields are no limits, and the owner stays', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    const dialog = await limitsOf(page, 'the app');
    await dialog.getByRole('combobox', { name: 'Only these providers' }).press('Backspace');
    for (const field of ['Requests a minute', 'Tokens a minute', 'USD a day', 'USD a month'])
      await dialog.getByLabel(field).fill('');
    await dialog.getByRole('button', save).click();
    const row = page.getByRole('row', { name: /the app/ });
    await row.getByText('No limits').waitFor();
    await row.getByText(/^kwg_.*… of ada$/).waitFor();
  });

  it('the name of a token leads to its usage', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    await page.getByRole('link', { name: 'the shop' }).click();
    await page.waitForURL('**/usage?token=1');
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Token' }).inputValue()).toBe('the shop (revoked)');
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
    const dialog = await limitsOf(page, 'the app');
    await dialog.getByText('You are signed in as a viewer').waitFor();
    const owner = dialog.getByLabel('Owner', { exact: true });
    expect([await owner.inputValue(), await owner.isDisabled()]).toEqual(['ada', true]);
    expect(await dialog.getByRole('button', save).isDisabled()).toBe(true);
  });

  it('says how users bring keys where none has', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    await page.getByRole('tab', { name: 'Keys of users' }).click();
    await page.waitForURL('**/callers?tab=user-keys');
    await page.getByRole('heading', { name: 'No user has brought a key' }).waitFor();
    await expectAccessible(page);
  });

  it('a key that a user brings appears with its owner, masked, and is removed by their name', async () => {
    const ada = await limitedToken(world.keyward, { owner: 'ada' });
    const page = await signedIn(world.url, adminToken, '/callers?tab=user-keys');
    await page.getByRole('heading', { name: 'No user has brought a key' }).waitFor();
    const set = await fetch(`${world.url}/api/v1/llm/byok/keys`, {
      method: 'PUT',
      headers: { ...ada.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'openrouter', api_key: firstKey, key_name: 'mine' }),
    });
    expect(set.status, await set.text()).toBe(200);
    const source = async (): Promise<string | null> => {
      const answer = await world.keyward.chat(undefined, { headers: ada.headers });
      await answer.text();
      return answer.headers.get('x-keyward-key-source');
    };
    expect(await source()).toBe('byok');
    const panel = page.getByRole('region', { name: 'ada' });
    await panel.getByText('Calls with limited and the app take these keys first.').waitFor();
    await panel.getByRole('row', { name: /OpenRouter.*sk-or-v…fa4e.*mine.*Valid/ }).waitFor();
    expect(await page.content()).not.toContain('fa4efa4e');
    // Past the trail, as the platform's own program writes.
    await world.keyward.sql(
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, key_prefix, key_suffix, is_active, validation_error)
       SELECT owner, id, $1, 'gsk_abc', 'wxyz', owner <> 'carol', CASE owner WHEN 'bob' THEN 'Invalid API Key' END
         FROM llm_providers, (VALUES ('bob'), ('carol')) AS v (owner) WHERE provider_slug = 'groq'`,
      [world.keyward.encrypt(firstKey)],
    );
    const bob = page.getByRole('region', { name: 'bob' });
    await bob.getByText('Invalid API Key').waitFor();
    await bob.getByText('No good gateway token is theirs').waitFor();
    await page.getByRole('region', { name: 'carol' }).getByText('Switched off').waitFor();
    await panel.getByRole('button', { name: 'Remove the key of ada for OpenRouter' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove the key of ada for OpenRouter' });
    await dialog.getByText('Calls of ada to OpenRouter then go with the key of the platform').waitFor();
    const confirm = dialog.getByRole('button', { name: 'Remove the key' });
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    await dialog.getByLabel(/to go on/).fill('ada');
    await dialog.getByLabel('Reason').fill('has left');
    await confirm.click();
    await panel.waitFor({ state: 'detached' });
    expect(await source()).toBe('environment');
    expect(await eventsOf(world.keyward, 'user_key.removed')).toMatchObject([
      { reason: 'has left', target: { id: 'ada openrouter' } },
    ]);
  });

  it('keys are found by whose and for what they are, which is part of the address', async () => {
    const page = await signedIn(world.url, adminToken, '/callers?tab=user-keys&q=bo');
    const bob = page.getByRole('region', { name: 'bob' });
    await bob.waitFor();
    expect(await page.getByRole('region', { name: 'carol' }).count()).toBe(0);
    await page.getByRole('textbox', { name: 'Whose' }).fill('CARO');
    await page.getByRole('region', { name: 'carol' }).waitFor();
    await bob.waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?tab=user-keys&q=CARO');
    await page.getByRole('combobox', { name: 'For' }).click();
    await page.getByRole('option', { name: 'OpenRouter' }).click();
    await page.getByRole('heading', { name: 'No key is like this' }).waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await bob.waitFor();
    expect(new URL(page.url()).search).toBe('?tab=user-keys');
  });

  it('a viewer sees the keys of users and removes none', async () => {
    const page = await signedIn(world.url, await world.makeToken('viewer'), '/callers?tab=user-keys');
    const remove = page.getByRole('button', { name: 'Remove the key of bob for Groq' });
    expect(await remove.isDisabled()).toBe(true);
  });

  it('shows more than a page of keys when asked', async () => {
    await world.keyward.sql(
      `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
       SELECT 'user ' || to_char(n, 'FM000'), id, 'x' FROM llm_providers, generate_series(1, 110) AS n WHERE provider_slug = 'xai'`,
    );
    const page = await signedIn(world.url, adminToken, '/callers?tab=user-keys&q=user');
    await page.getByRole('region', { name: 'user 100' }).waitFor();
    expect(await page.getByRole('region', { name: 'user 101' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByRole('region', { name: 'user 110' }).waitFor();
    await world.keyward.sql(`DELETE FROM user_api_keys WHERE user_id LIKE 'user %'`);
  });

  it.each(looks)('axe-core finds nothing and nothing is cut off: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(world.url, adminToken, '/callers', { colorScheme, width });
    await page.getByRole('table', { name: 'Gateway tokens' }).waitFor();
    await page.getByText(/in 30 days\.$/).waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await limitsOf(page, 'the app');
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.goto(`${world.url}/callers?tab=user-keys`);
    await page.getByRole('table', { name: 'Keys of bob' }).waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });

  it('has room for text that is twice as large', async () => {
    const page = await signedIn(world.url, adminToken, '/callers');
    await page.getByRole('table', { name: 'Gateway tokens' }).waitFor();
    await expectNoSidewaysAtDoubleText(page, 'the tokens');
    await page.goto(`${world.url}/callers?tab=user-keys`);
    await page.getByRole('table', { name: 'Keys of bob' }).waitFor();
    await expectNoSidewaysAtDoubleText(page, 'the keys of users');
  });
});
