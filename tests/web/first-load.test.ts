/** What a browser loads before the first view stands, and how much of a long list it draws. */
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
