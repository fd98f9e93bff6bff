/** What a browser loads before the first view stands, and how much of a long list it draws. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { usePage } from '../support/page-in-browser.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';

const { visit, signedIn } = usePage();
let keyward: RunningKeyward;
beforeAll(async () => {
  keyward = await startKeyward();
});
afterAll(async () => keyward.stop());

it('is less than 250 KB of script as gzip, all of it from here', async () => {
  const page = await visit(keyward.server.url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByLabel('Admin token', { exact: true }).fill(adminToken);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Account: / }).waitFor();
  await page.goto(`${keyward.server.url}/providers`);
  await page.getByRole('table', { name: 'Providers' }).waitFor();
  const names = await page.evaluate<string[]>(
    `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))`,
  );
  const sizes = await Promise.all(
    names.map(async (name) => {
      const response = await fetch(name, { headers: { 'accept-encoding': 'gzip' } });
      await response.arrayBuffer();
      expect(response.headers.get('content-encoding'), name).toBe('gzip');
      return Number(response.headers.get('content-length'));
    }),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  tellFigure(
    'the page loads quickly',
    `${Math.round(bytes / 1_000)} KB of script as gzip in ${names.length} files`,
  );
  expect(names.length).toBeGreaterThan(1);
  expect(bytes).toBeLessThan(250_000);
});

it('stands and can be used soon, with nothing of it in the browser and with all of it there', async () => {
  const { url } = keyward.server;
  const first = await signedIn(url, adminToken, '/providers');
  await first.getByRole('row', { name: /OpenRouter/ }).waitFor();
  const cookies = await first.context().cookies();
  const [empty, full]: [number[], number[]] = [[], []];
  for (let time = 0; time < 5; time += 1) {
    const page = await visit(`${url}/health/live`);
    await page.context().addCookies(cookies);
    empty.push(await msUntilUsable(page, `${url}/providers`));
    full.push(await msUntilUsable(page, `${url}/providers`));
  }
  tellFigure(
    'the page loads quickly',
    `${median(empty)} ms until System Provider Keys can be used with an empty cache, ${median(full)} ms with a full one (median of 5, real Chromium, warm server)`,
  );
});

/** From the navigation until a row is there and the primary action can be pressed, as the browser's own clock has it. */
async function msUntilUsable(page: Page, url: string): Promise<number> {
  await page.goto(url, { waitUntil: 'commit' });
  return page.evaluate<number>(`new Promise((done) => {
    const look = () => {
      const isThere = document.querySelectorAll('[role="row"]').length > 1;
      const action = [...document.querySelectorAll('button')].find(({ innerText }) => innerText === 'Add a provider');
      if (isThere && action?.disabled === false) done(Math.round(performance.now()));
      else requestAnimationFrame(look);
    };
    look();
  })`);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;
}

it('draws of 500 providers only those that are near, and finds the last one', async () => {
  await keyward.change(
    `INSERT INTO llm_providers (provider_name, provider_slug, display_name)
       SELECT 'Many ' || n, 'many-' || n, 'Many ' || lpad(n::text, 3, '0') FROM generate_series(1, 500) AS n`,
  );
  const page = await signedIn(keyward.server.url, adminToken, '/providers?sort=name');
  await page.getByText(/^5\d\d providers/).waitFor();
  expect(await page.getByRole('row').count()).toBeLessThan(60);
  await page.getByLabel('Search by name').fill('many 500');
  await page.getByRole('row', { name: /Many 500/ }).waitFor();
  expect(await page.getByRole('row').count()).toBe(2);
});
