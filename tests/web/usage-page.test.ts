/** Usage in a real browser: what callers asked for through a real gateway, and days that are further back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newToken } from '../support/administrators.ts';
import {
  expectAccessible,
  expectNoSidewaysAtDoubleText,
  looks,
  usePage,
} from '../support/page-in-browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { adminToken } from '../support/running-keyward.ts';

describe('the usage', () => {
  const { signedIn } = usePage();
  let world: PageWorld;
  beforeAll(async () => {
    world = await startPageWorld();
  });
  afterAll(async () => world.close());

  it('says how to make a first call where there was none', async () => {
    const page = await signedIn(world.url, adminToken, '/usage');
    await page.getByRole('heading', { name: 'No call in 30 days' }).waitFor();
    await page.getByText(`curl ${world.url}/v1/chat/completions`).waitFor();
    await expectAccessible(page);
  });

  it('tells a call by provider, model, token and day, and what its address says', async () => {
    const model = 'openrouter/google/gemini-flash-1.5';
    await (await world.keyward.chat({ model, messages: [{ role: 'user', content: 'Servus' }] })).text();
    await world.keyward.sql(
      `INSERT INTO keyward_usage_daily (day, provider, model, gateway_token_id, key_fingerprint, requests, errors,
                                        prompt_tokens, completion_tokens, cost_usd, unpriced)
       SELECT (now() AT TIME ZONE 'UTC')::date - n, 'openrouter', 'other/model', 0, 'fp', 10 + n, n % 3, 1000, 500, 0.25, 1
         FROM generate_series(1, 60) AS n`,
    );
    await expect
      .poll(
        async () =>
          (await world.keyward.sql(`SELECT FROM keyward_usage_daily WHERE model LIKE '%gemini%'`)).length,
      )
      .toBe(1);
    const page = await signedIn(world.url, adminToken, '/usage?days=7&by=model');
    const models = page.getByRole('table', { name: 'By model' });
    await models.getByRole('row', { name: /gemini-flash-1\.5 ?OpenRouter 1 0 7 \$0/ }).waitFor();
    await models.getByRole('row', { name: /other\/model ?OpenRouter 81 6 9,000 \$1\.50 6/ }).waitFor();
    await page.getByRole('img', { name: /^82 requests in 7 days, the most on .*: 16 requests/ }).waitFor();
    await page.getByRole('radiogroup', { name: 'What is told apart' }).getByText('Token').click();
    await page.getByRole('row', { name: /The token of the environment 82 6/ }).waitFor();
    await page.getByRole('radiogroup', { name: 'What is drawn' }).getByText('Cost').click();
    await page.getByRole('img', { name: /^\$1\.50 in 7 days/ }).waitFor();
    await page.getByText('90 days').click();
    await page.getByRole('img', { name: /^\$15\.00 in 90 days/ }).waitFor();
    expect(new URL(page.url()).search).toBe('?days=90&by=token&measure=cost');
    await page.getByRole('radiogroup', { name: 'What is told apart' }).getByText('Day').click();
    expect(await page.getByRole('table', { name: 'By day' }).getByRole('row').count()).toBe(91);
  });

  it('is drawn in a browser whose language is none that can be written with', async () => {
    const page = await signedIn(world.url, adminToken, '/usage', { locale: 'en-US@posix' });
    await page.locator('canvas').waitFor();
  });

  it('says that the chart could not be loaded, and leaves the tables', async () => {
    const page = await signedIn(world.url, adminToken);
    await page.route('**/assets/usage-chart-*', async (route) => route.abort());
    await page.getByRole('link', { name: 'Usage' }).click();
    await page.getByText('The chart could not be loaded').waitFor();
    await page.getByRole('table', { name: 'By provider' }).waitFor();
  });

  it('stands on the page of its provider, without that of others', async () => {
    const page = await signedIn(world.url, adminToken, '/providers/openrouter?days=7');
    await page.getByRole('tab', { name: 'Usage' }).click();
    await page
      .getByRole('table', { name: 'By model' })
      .getByRole('row', { name: /other\/model/ })
      .waitFor();
    await page.goto(`${world.url}/providers/openai?tab=usage`);
    await page.getByRole('heading', { name: 'No call in 30 days' }).waitFor();
  });

  it('is that of one token or one provider where the address says so, until that is taken away', async () => {
    const { id, token } = await newToken(world.keyward, { kind: 'gateway', name: 'the shop' });
    await world.keyward.caughtUp();
    await (await world.keyward.chat(undefined, { headers: { authorization: `Bearer ${token}` } })).text();
    await world.keyward.sql(
      `INSERT INTO keyward_usage_daily (day, provider, model, gateway_token_id, key_fingerprint, requests, errors,
                                        prompt_tokens, completion_tokens, cost_usd, unpriced)
       VALUES ((now() AT TIME ZONE 'UTC')::date, 'groq', 'llama', $1, 'fp', 40, 0, 1, 1, 0, 0),
              ((now() AT TIME ZONE 'UTC')::date, 'groq', 'llama', 999, 'fp', 500, 0, 1, 1, 0, 0)`,
      [id],
    );
    await expect
      .poll(
        async () =>
          (await world.keyward.sql('SELECT FROM keyward_usage_daily WHERE gateway_token_id = $1', [id]))
            .length,
      )
      .toBe(2);
    const page = await signedIn(world.url, adminToken, '/usage?days=7&by=token');
    await page.getByRole('link', { name: 'the shop' }).click();
    await page.getByRole('img', { name: /^41 requests in 7 days/ }).waitFor();
    expect(new URL(page.url()).search).toBe(`?days=7&by=token&token=${id}`);
    // Of one token there is nothing to tell apart.
    const providers = page.getByRole('table', { name: 'By provider' });
    await providers.getByRole('row', { name: /Groq.* 40 0/ }).waitFor();
    expect(await page.getByRole('radio', { name: 'Token', exact: true }).count()).toBe(0);
    await page.getByRole('combobox', { name: 'Provider' }).click();
    await page.getByRole('option', { name: 'Groq' }).click();
    await page.getByRole('img', { name: /^40 requests in 7 days/ }).waitFor();
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('provider'), searchParams.get('token')]).toEqual(['groq', String(id)]);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('img', { name: /^\d{3} requests in 7 days/ }).waitFor();
    expect(new URL(page.url()).search).toBe('?days=7&by=token');
    await page.goto(`${world.url}/usage?token=999&provider=groq`);
    await page.getByRole('img', { name: /^500 requests in 30 days/ }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Token' }).inputValue()).toBe('Token 999');
    await expectAccessible(page);
    await page.goto(`${world.url}/usage?token=998`);
    await page.getByRole('heading', { name: 'No such call in 30 days' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.waitForURL('**/usage');
    await page.goto(`${world.url}/providers/groq?tab=usage&token=${id}`);
    await page.getByRole('img', { name: /^40 requests in 30 days/ }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Provider' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('img', { name: /^540 requests in 30 days/ }).waitFor();
  });

  it('has room for text that is twice as large', async () => {
    const page = await signedIn(world.url, adminToken, '/usage');
    await page.getByRole('img', { name: /in 30 days/ }).waitFor();
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    await expectNoSidewaysAtDoubleText(page, 'the usage');
  });

  it('is chosen with the keyboard', async () => {
    const page = await signedIn(world.url, adminToken, '/usage');
    await page.getByRole('radio', { name: '30 days' }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL('**/usage?days=7*');
  });

  it.each(looks)('axe-core finds nothing and nothing is cut off: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(world.url, adminToken, '/usage', { colorScheme, width });
    for (const path of ['/usage', '/usage?by=model', '/usage?by=day', '/providers/openrouter?tab=usage']) {
      await page.goto(world.url + path);
      await page.getByRole('img', { name: /in 30 days/ }).waitFor();
      await page.getByRole('status', { name: /^Reading/ }).waitFor({ state: 'detached' });
      await expectAccessible(page);
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(width);
    }
  });
});
