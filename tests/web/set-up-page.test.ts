/** The first minutes of an administrator, in a real browser, on an installation in which nothing is set up. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstKey } from '../support/administered-keyward.ts';
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
