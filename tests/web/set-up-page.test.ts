/** The first minutes of an administrator, in a real browser, on an installation in which nothing is set up. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { callAdmin, firstKey } from '../support/administered-keyward.ts';
import { manualClock } from '../support/manual-clock.ts';
import { expectAccessible, usePage } from '../support/page-in-browser.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const { signedIn } = usePage();
let provider: StandInProvider;
let keyward: RunningKeyward;
beforeAll(async () => {
  provider = await startStandInProvider({ slug: 'openrouter', keys: [firstKey] });
  keyward = await startKeyward({ env: { OPENROUTER_BASE_URL: provider.baseUrl } });
});
afterAll(async () => {
  await keyward.stop();
  await provider.close();
});

it('leads from nothing to a request that is answered, and afterwards to the keys', async () => {
  const page = await signedIn(keyward.server.url, adminToken, '/', { width: 360 });
  await page.getByRole('heading', { name: 'Set up Keyward' }).waitFor();
  const goOn = page.getByRole('button', { name: 'Go on' });
  expect(await goOn.isDisabled()).toBe(true);
  await expectAccessible(page);
  await page.getByLabel('I have a copy of it in a safe place').check();
  await goOn.click();

  await page.getByRole('combobox', { name: 'Provider' }).fill('OpenRouter');
  await page.getByRole('option', { name: 'OpenRouter' }).click();
  await page.getByLabel('Key', { exact: true }).fill(firstKey);
  await page.getByRole('button', { name: 'Test and store' }).click();
  await page.getByText('The key is stored').waitFor();
  await expectAccessible(page);
  await goOn.click();

  expect(await page.getByLabel('Model').inputValue()).toBe('openrouter/google/gemini-flash-1.5');
  await page.getByRole('button', { name: 'Make a gateway token' }).click();
  await page.getByText(/^kwg_/).waitFor();
  await page.getByText(`curl ${keyward.server.url}/v1/chat/completions`).waitFor();
  await page.getByText('Python', { exact: true }).click();
  await page.getByText('from openai import OpenAI').waitFor();
  await page.getByRole('button', { name: 'Send it now' }).click();
  await page.getByText('It works').waitFor();
  await page.getByText(/from the database\./).waitFor();
  await expectAccessible(page);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);

  await page.goto(keyward.server.url);
  await page.getByRole('heading', { name: 'System Provider Keys' }).waitFor();
});

it('ticks no step that was only passed, and tells a viewer what is so', async () => {
  const page = await signedIn(keyward.server.url, adminToken, '/set-up?step=request');
  const step = (name: RegExp) => page.getByRole('button', { name });
  await expect.poll(async () => step(/Encryption key/).innerText()).toMatch(/^1/);
  await expect.poll(async () => step(/First key/).innerText()).not.toMatch(/^2/);
  await expectAccessible(page);
  const { body } = await callAdmin(keyward.server.url, 'POST /api/v1/admin/tokens', {
    body: { kind: 'admin', name: 'somebody who looks', role: 'viewer' },
  });
  const viewing = await signedIn(keyward.server.url, String(body['token']), '/set-up');
  await viewing.getByRole('heading', { name: 'Keyward is set up' }).waitFor();
});

it('counts down how long to wait where a provider was asked a moment ago', async () => {
  const clock = manualClock(new Date());
  const waiting = await startKeyward({ env: { OPENROUTER_BASE_URL: provider.baseUrl }, clock });
  onTestFinished(async () => waiting.stop());
  const { url } = waiting.server;
  const page = await signedIn(url, adminToken, '/set-up?step=provider&provider=openrouter');
  await page.getByLabel('Key', { exact: true }).fill(firstKey);
  const asked = await callAdmin(url, 'POST /api/v1/admin/providers/openrouter/test-key', {
    body: { api_key: firstKey },
  });
  expect(asked.status).toBe(200);
  await page.getByRole('button', { name: 'Test and store' }).click();
  const told = page.getByRole('alert').filter({ hasText: 'provider_cooling_down' });
  // For those who do not see the numbers go down it is said once, and stays.
  await told.getByText('Wait 2 seconds.').waitFor({ state: 'attached' });
  await expectAccessible(page);
  await told.getByText('It can be tried again now.').waitFor();
  clock.pass(2_000);
  await page.getByRole('button', { name: 'Test and store' }).click();
  await page.getByText('The key is stored').waitFor();
});

it.each([
  ['openai', 'openai/gpt-4o-mini'],
  ['anthropic', 'anthropic/claude-haiku-4-5'],
])('suggests a model of the provider that was chosen: %s', async (slug, model) => {
  const page = await signedIn(keyward.server.url, adminToken, `/set-up?step=request&provider=${slug}`);
  await expect.poll(async () => page.getByLabel('Model').inputValue()).toBe(model);
  await page.getByText('This one is a suggestion.').waitFor();
});
