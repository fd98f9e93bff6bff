/**
 * `npm run screenshots`: the pictures in docs/images, taken in a real browser of a real server with stand-in
 * providers, in a throwaway directory. Their keys are obviously fake.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { findChromium, startChromium } from '../tests/support/chromium.ts';
import { startStandInProvider } from '../tests/support/stand-in-provider.ts';
import { startKeyward } from './demo-processes.ts';

const images = fileURLToPath(new URL('../docs/images/', import.meta.url));
const adminToken = ['kwa', 'screenshots', '0123456789abcdef'.repeat(2)].join('_');

/** What is taken: the name of the picture, and the address. */
const views = [
  ['providers', '/providers'],
  ['provider', '/providers/openrouter'],
  ['health', '/health'],
  ['audit', '/audit'],
  ['encryption', '/encryption'],
] as const;

const openrouterKey = ['sk', 'or', 'v1', 'a1b2'.repeat(16)].join('-');
const openaiKey = ['sk', 'proj', 'fake'.repeat(12)].join('-');
const groqKey = ['gsk', 'fake'.repeat(13)].join('_');

const directory = mkdtempSync(join(tmpdir(), 'keyward-screenshots-'));
const providers = await Promise.all([
  startStandInProvider({ slug: 'openrouter', keys: [openrouterKey] }),
  startStandInProvider({ slug: 'openai', keys: [openaiKey] }),
  // It has taken the key back.
  startStandInProvider({ slug: 'groq', keys: [] }),
]);
const [openrouter, openai, groq] = providers;
const keyward = await startKeyward({
  PATH: process.env['PATH'],
  KEYWARD_DATA_DIR: directory,
  KEYWARD_ADMIN_TOKEN: adminToken,
  PORT: '0',
  HEALTH_TEST_WINDOW: 'off',
  OPENROUTER_BASE_URL: openrouter.baseUrl,
  OPENAI_BASE_URL: openai.baseUrl,
  GROQ_BASE_URL: groq.baseUrl,
});
let browser: Browser | undefined;
try {
  await furnish();
  browser = await startChromium(await findChromium());
  for (const colorScheme of ['light', 'dark'] as const) await take(browser, colorScheme);
} finally {
  await browser?.close();
  await keyward.stop();
  await Promise.all(providers.map(async (provider) => provider.close()));
  rmSync(directory, { recursive: true });
}

async function furnish(): Promise<void> {
  const stored = [
    ['openrouter', openrouterKey, 'hybrid'],
    ['openai', openaiKey, 'database'],
    ['groq', groqKey, 'database'],
  ] as const;
  for (const [slug, key, source] of stored) {
    await call(`providers/${slug}/set-key`, { api_key: key, source, skip_test: true });
    await call(`providers/${slug}/test-key`, {});
  }
}

async function call(path: string, body: object): Promise<void> {
  const response = await fetch(`${keyward.url}/api/v1/admin/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

async function take(opened: Browser, colorScheme: 'light' | 'dark'): Promise<void> {
  const context = await opened.newContext({ viewport: { width: 1280, height: 800 }, colorScheme });
  const page = await context.newPage();
  await page.goto(keyward.url);
  await page.getByLabel('Admin token', { exact: true }).fill(adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: /^Account: / }).waitFor();
  for (const [name, path] of views) {
    await Promise.all([
      // How the keys stand comes after what they are.
      path.startsWith('/providers') ? page.waitForResponse('**/api/v1/admin/health') : undefined,
      page.goto(keyward.url + path),
    ]);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page
      .getByRole('status', { name: /^Reading/ })
      .first()
      .waitFor({ state: 'detached' });
    await page.screenshot({ path: `${images}${name}-${colorScheme}.png`, animations: 'disabled' });
    console.log(`Wrote docs/images/${name}-${colorScheme}.png`);
  }
  await context.close();
}
