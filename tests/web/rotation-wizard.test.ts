/** The rotation of a key, stage by stage, in a real browser, through the real server; also one that is killed in the middle. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAdmin, deadKey } from '../support/administered-keyward.ts';
import { startServerProcess } from '../support/keyward-process.ts';
import {
  expectAccessible,
  expectNoSidewaysAtDoubleText,
  looks,
  usePage,
} from '../support/page-in-browser.ts';
import { rotatingKey } from '../support/rotating.ts';
import {
  adminToken,
  gatewayToken,
  newPlace,
  startKeyward,
  type RunningKeyward,
} from '../support/running-keyward.ts';
import { StandInManagement } from '../support/stand-in-management.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const slug = 'openrouter';
const rotations = `/providers/${slug}/rotations`;
const [oldKey, newKey] = [rotatingKey(1), rotatingKey(2)];

/** What an administrator does elsewhere meanwhile. */
async function call(url: string, method: string, path: string, body?: unknown) {
  const answer = await callAdmin(url, `${method} /api/v1/admin/providers/${slug}/${path}`, { body });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body;
}

async function chat(url: string, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gatewayToken}` },
      body: JSON.stringify({ model: `${slug}/some/model`, messages: [{ role: 'user', content: 'Hello' }] }),
    });
    await answer.text();
    expect(answer.status).toBe(200);
  }
}

const press = async (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

const untilStage = async (page: Page, name: string): Promise<void> =>
  page.locator('[aria-current="step"]', { hasText: name }).waitFor();

/** The number that is shown for one of both keys. */
const count = async (page: Page, key: 'New key' | 'Old key', name: string): Promise<string | null> =>
  page
    .getByRole('group', { name: key })
    .locator('dl > div', { has: page.getByText(name, { exact: true }) })
    .locator('dd')
    .textContent();

async function stage(page: Page, key: string): Promise<void> {
  await page.getByLabel('New key', { exact: true }).fill(key);
  await press(page, 'Stage the key');
  await page.getByRole('heading', { name: 'Test the new key' }).waitFor();
}

describe('the rotation of a key', () => {
  const { signedIn } = usePage();
  let provider: StandInProvider;
  let management: StandInManagement;
  let keyward: RunningKeyward;
  beforeAll(async () => {
    provider = await startStandInProvider({ slug, keys: [] });
    management = new StandInManagement(provider);
    await management.listen();
    keyward = await startKeyward({ env: { OPENROUTER_BASE_URL: provider.baseUrl } });
  });
  beforeEach(async () => {
    provider.setKeys([oldKey, newKey]);
    // Whatever was open is superseded by it.
    await call(url(), 'POST', 'set-key', { api_key: oldKey, source: 'database', skip_test: true });
  });
  afterAll(async () => {
    await keyward.stop();
    await management.close();
    await provider.close();
  });
  const url = (): string => keyward.server.url;
  const visit = async (path: string, token = adminToken): Promise<Page> => signedIn(url(), token, path);

  it('leads from a new key over test, canary, promotion and soak to the end of the old one', async () => {
    const page = await visit(`/providers/${slug}`);
    await page.getByRole('link', { name: 'Rotate' }).click();
    await untilStage(page, 'New key');
    await page.getByLabel('Canary', { exact: true }).fill('50');
    await page.getByLabel('Soak', { exact: true }).fill('0');
    await page.getByLabel('Reason').fill('quarterly rotation');
    await expectAccessible(page);
    await stage(page, newKey);
    await untilStage(page, 'Test');
    await page.waitForURL(/\/rotations\/\d+$/);
    await press(page, 'Test the new key');
    await untilStage(page, 'Canary');
    await expectAccessible(page);
    await press(page, 'Start the canary');
    const promote = page.getByRole('button', { name: 'Promote the new key' });
    await promote.waitFor();
    expect(await promote.isDisabled()).toBe(true);
    await page.getByText(/no call was answered with it yet/).waitFor();
    await keyward.caughtUp();
    await chat(url(), 12);
    await untilStage(page, 'Promote');
    await expect
      .poll(
        async () =>
          Number(await count(page, 'New key', 'Calls')) + Number(await count(page, 'Old key', 'Calls')),
        { timeout: 10_000 },
      )
      .toBe(12);
    expect(await count(page, 'New key', 'Error rate')).toBe('0%');
    await press(page, 'Promote the new key');
    await untilStage(page, 'Retire');
    await expectAccessible(page);
    await press(page, 'Retire the old key');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('after this there is no rolling back').waitFor();
    await dialog.getByLabel(/to go on/).fill(slug);
    await dialog.getByRole('button', { name: 'Retire the old key' }).click();
    await untilStage(page, 'Revoked');
    await page.getByText(/revoke sk-or-v…\w+ there, by hand/).waitFor();
    await expectAccessible(page);
    expect(await page.content()).not.toContain(newKey);
    await chat(url(), 1);
  });

  it('is where "new" leads while it is open, and is left and resumed; a viewer follows it and changes nothing', async () => {
    const page = await visit(`${rotations}/new`);
    await stage(page, newKey);
    const address = page.url();
    await page.getByRole('link', { name: 'OpenRouter' }).click();
    await page.getByRole('link', { name: 'Go on with the rotation' }).click();
    await page.waitForURL(address);
    for (const path of ['new', 'open']) {
      await page.goto(`${url()}${rotations}/${path}`);
      await page.waitForURL(address);
    }
    const { body } = await callAdmin(url(), 'POST /api/v1/admin/tokens', {
      body: { kind: 'admin', name: 'a viewer', role: 'viewer' },
    });
    const viewer = await visit(new URL(address).pathname, String(body['token']));
    await untilStage(viewer, 'Test');
    for (const name of [
      'Test the new key',
      'Prove it with one call…',
      'Canary by force…',
      'Cancel the rotation',
    ])
      expect([name, await viewer.getByRole('button', { name }).isDisabled()]).toEqual([name, true]);
    await expectAccessible(viewer);
    await call(url(), 'POST', 'rotations/open/test', {});
    await untilStage(viewer, 'Canary');
    await untilStage(page, 'Canary');
    await page.goto(`${url()}${rotations}/987654`);
    await page.getByRole('heading', { name: 'There is no such rotation' }).waitFor();
    await expectAccessible(page);
  });

  it('goes on with a key that was not accepted only by force, with a reason; and ends when a call is refused', async () => {
    const page = await visit(`${rotations}/new`);
    await stage(page, deadKey);
    await press(page, 'Test the new key');
    const told = page.getByRole('alert').filter({ hasText: 'The provider refuses this key' });
    await told.getByText(/^A test said of the new key/).waitFor();
    await expectAccessible(page);
    await press(page, 'Canary by force…');
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Start the canary' });
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    await dialog.getByLabel('Reason').fill('the test of the provider is broken');
    await confirm.click();
    await untilStage(page, 'Canary');
    await page.getByLabel('Share of the calls').fill('100');
    await press(page, 'Change the share');
    await page.getByText('100 percent of the calls').waitFor();
    await chat(url(), 1);
    await page
      .getByText(/The provider refused a call with the new key, so it is not tried any more/)
      .waitFor();
    await untilStage(page, 'Test');
    await press(page, 'Cancel the rotation');
    await dialog.getByText(/The stored key goes on as before/).waitFor();
    await dialog.getByRole('button', { name: 'Cancel the rotation' }).click();
    await page.getByRole('heading', { name: 'The rotation was cancelled' }).waitFor();
    await page.getByRole('link', { name: 'Begin another one' }).click();
    await page.waitForURL('**/rotations/new');
  });

  it('offers another key in place of one that is proven dead', async () => {
    const page = await visit(`${rotations}/new`);
    await stage(page, deadKey);
    const address = page.url();
    await press(page, 'Test the new key');
    await page.getByRole('heading', { name: 'The new key is dead' }).waitFor();
    expect(await page.getByRole('button', { name: 'Test the new key' }).count()).toBe(0);
    const primary = page.locator('#view button:not([data-variant])');
    expect(await primary.allInnerTexts()).toEqual(['Use another key']);
    await press(page, 'Use another key');
    await page.waitForURL('**/rotations/new');
    await stage(page, newKey);
    await page.waitForURL((now) => /\/rotations\/\d+$/.test(now.pathname) && now.href !== address);
    await page.goto(address);
    await page.getByRole('heading', { name: 'The rotation was cancelled' }).waitFor();
    const areOpen = async (state: string): Promise<boolean[]> => {
      const { data } = await call(url(), 'GET', `rotations?state=${state}`);
      return (data as { is_open: boolean }[]).map(({ is_open: isOpen }) => isOpen);
    };
    expect(await areOpen('open')).toEqual([true]);
    expect([...new Set(await areOpen('ended'))]).toEqual([false]);
  });

  it('does not claim that nothing happened where no answer came, and shows what did', async () => {
    const page = await visit(`${rotations}/new`);
    await stage(page, newKey);
    await call(url(), 'POST', 'rotations/open/canary', { percent: 50, force: true, reason: 'to promote it' });
    await keyward.caughtUp();
    // The provider rests between two tests.
    const proof = `POST /api/v1/admin/providers/${slug}/rotations/open/test`;
    await expect
      .poll(
        async () => (await callAdmin(url(), proof, { body: { spend: true, model: 'some/model' } })).status,
        { timeout: 10_000 },
      )
      .toBe(200);
    await untilStage(page, 'Promote');
    await page.route('**/promote?*', async (route) => route.abort());
    await press(page, 'Promote the new key');
    const unknown = page
      .getByRole('alert')
      .filter({ hasText: /It is not known whether this was done|No answer came/ });
    await unknown.waitFor();
    await expectAccessible(page);
    expect(await page.getByText('Nothing was switched').count()).toBe(0);
    await page.unroute('**/promote?*');
    // It was done, and only the answer is lost.
    await page.route('**/promote?*', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await press(page, 'Promote the new key');
    await untilStage(page, 'Soak');
    await unknown.waitFor({ state: 'detached' });
  });

  it('proves a key by one call, retires early only by force, and rolls back while the old key stands by', async () => {
    const page = await visit(`${rotations}/new`);
    await stage(page, newKey);
    await press(page, 'Prove it with one call…');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Model').fill('some/model');
    const make = dialog.getByRole('button', { name: 'Make the call' });
    // The provider rests between two tests, and the dialog says so.
    await expect
      .poll(async () => {
        if ((await make.isVisible()) && (await make.isEnabled())) await make.click();
        return make.count();
      })
      .toBe(0);
    await untilStage(page, 'Promote');
    await press(page, 'Promote the new key');
    await untilStage(page, 'Soak');
    expect(await page.getByRole('button', { name: 'Retire the old key' }).isDisabled()).toBe(true);
    await press(page, 'Retire by force…');
    await dialog.getByLabel(/to go on/).fill(slug);
    expect(await dialog.getByRole('button', { name: 'Retire by force' }).isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: 'Leave it as it is' }).click();
    await page.getByText('one click, and it serves again').waitFor();
    await press(page, 'Roll back');
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('heading', { name: 'The rotation was rolled back' }).waitFor();
    await expectAccessible(page);
    const served = provider.requests.length;
    await chat(url(), 1);
    expect(provider.requests[served]?.headers['authorization']).toBe(`Bearer ${oldKey}`);
  });

  it('lets the provider make the key, and revoke the one before', async () => {
    await call(url(), 'PUT', 'key-management', {
      credential: management.wire.credential,
      base_url: management.baseUrl,
    });
    // The key before is one that the provider has made: only such are revoked.
    await call(url(), 'POST', 'rotations', { mint: true, soak_seconds: 0 });
    await call(url(), 'POST', 'rotations/open/promote', { force: true, reason: 'a beginning' });
    await call(url(), 'POST', 'rotations/open/retire', {});
    const page = await visit(`${rotations}/new`);
    await page.getByLabel('Soak', { exact: true }).fill('0');
    await press(page, 'Let OpenRouter make the key');
    await press(page, 'Test the new key');
    await untilStage(page, 'Canary');
    await press(page, 'Promote by force…');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('nobody calls at night');
    await dialog.getByRole('button', { name: 'Promote by force' }).click();
    await press(page, 'Retire the old key');
    await dialog.getByLabel(/to go on/).fill(slug);
    await dialog.getByRole('button', { name: 'Retire the old key' }).click();
    await untilStage(page, 'Revoked');
    await press(page, 'Revoke it now');
    await page.getByText('the old one is dead at the provider').waitFor();
    expect(management.live).toHaveLength(1);
    await call(url(), 'DELETE', 'key-management', { force: true, reason: 'the next test needs none' });
  });

  it.each(looks)('axe-core finds nothing: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(url(), adminToken, `${rotations}/new`, { colorScheme, width });
    const look = async (): Promise<void> => {
      await expectAccessible(page);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    };
    await untilStage(page, 'New key');
    await look();
    await stage(page, newKey);
    await look();
    if (width === 1280) {
      await expectNoSidewaysAtDoubleText(page, 'the wizard');
      await page.evaluate("document.documentElement.style.fontSize = ''");
    }
    await call(url(), 'POST', 'rotations/open/canary', { percent: 50, force: true, reason: 'to look at it' });
    await untilStage(page, 'Canary');
    await page.getByRole('group', { name: 'New key' }).waitFor();
    await look();
    await call(url(), 'POST', 'rotations/open/promote', { force: true, reason: 'to look at it' });
    await untilStage(page, 'Soak');
    await look();
    await press(page, 'Roll back');
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).waitFor();
    await look();
  });
});

describe('a rotation whose server is killed in the middle', () => {
  const { signedIn } = usePage();

  it('says so, loses nothing, and goes on where it stood', async () => {
    const provider = await startStandInProvider({ slug, keys: [oldKey, newKey] });
    const place = await newPlace();
    const environment = { ...place.environment, OPENROUTER_BASE_URL: provider.baseUrl };
    let server = startServerProcess(environment);
    try {
      const url = await server.url();
      // Untested: a provider that was asked a moment ago is not asked again.
      await call(url, 'POST', 'set-key', { api_key: oldKey, source: 'database', skip_test: true });
      const page = await signedIn(url, adminToken, `${rotations}/new`);
      await stage(page, newKey);
      await press(page, 'Test the new key');
      await untilStage(page, 'Canary');
      await page.getByLabel('Share of the calls').fill('100');
      await press(page, 'Start the canary');
      const promotion = page.locator('[aria-current="step"]', { hasText: 'Promote' });
      await expect
        .poll(async () => chat(url, 1).then(async () => promotion.isVisible()), { timeout: 15_000 })
        .toBe(true);

      server.kill('SIGKILL');
      await server.ended();
      const notice = page.getByText('The connection to Keyward is lost');
      await notice.waitFor();
      await press(page, 'Promote the new key');
      await page.getByText('It is not known whether this was done').waitFor();
      expect(await page.getByText('Nothing was switched').count()).toBe(0);
      await expectAccessible(page);
      // What was known stays in sight.
      expect(Number(await count(page, 'New key', 'Calls'))).toBeGreaterThan(0);
      expect(await page.getByRole('button', { name: 'Cancel the rotation' }).isVisible()).toBe(true);

      server = startServerProcess({ ...environment, PORT: new URL(url).port });
      expect(await server.url()).toBe(url);
      await notice.waitFor({ state: 'detached', timeout: 30_000 });
      await untilStage(page, 'Promote');
      await press(page, 'Promote the new key');
      await untilStage(page, 'Soak');
      expect(await call(url, 'GET', 'rotations/open')).toMatchObject({ step: 'soaking', is_forced: false });
      await chat(url, 1);
    } finally {
      server.kill('SIGTERM');
      await server.ended();
      await place.remove();
      await provider.close();
    }
    // Two starts of a process, and the time until a lost connection is tried again.
  }, 90_000);
});
