/** A provider, in a real browser, through the real server. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin, deadKey, environmentKey, firstKey, secondKey } from '../support/administered-keyward.ts';
import { expectAccessible, looks, usePage } from '../support/page-in-browser.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { StandInManagement } from '../support/stand-in-management.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

describe('a provider', () => {
  const { signedIn } = usePage();
  let provider: StandInProvider;
  let management: StandInManagement;
  let keyward: RunningKeyward;
  beforeAll(async () => {
    provider = await startStandInProvider({
      slug: 'openrouter',
      keys: [environmentKey, firstKey, secondKey],
    });
    management = new StandInManagement(provider);
    await management.listen();
    keyward = await startKeyward({
      env: { OPENROUTER_BASE_URL: provider.baseUrl, OPENROUTER_API_KEY: environmentKey },
    });
    await call('POST', 'openrouter/set-key', { api_key: firstKey, source: 'hybrid', reason: 'the first' });
    await call('POST', '', {
      slug: 'our-llm',
      display_name: 'Our own',
      base_url: 'https://llm.example.com/v1',
    });
  });
  afterAll(async () => {
    await keyward.stop();
    await management.close();
    await provider.close();
  });
  const url = (): string => keyward.server.url;
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await callAdmin(url(), `${method} /api/v1/admin/providers${path && `/${path}`}`, { body });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.body;
  };
  const open = async (tab?: string): Promise<Page> => {
    const page = await signedIn(url(), adminToken, `/providers/openrouter${tab ? `?tab=${tab}` : ''}`);
    await page.getByRole('heading', { level: 1, name: 'OpenRouter' }).waitFor();
    return page;
  };
  const lit = (page: Page) => page.getByRole('listitem').filter({ hasText: 'Serves' });

  it('shows which key serves and why, and follows what is changed elsewhere', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    await page.getByRole('link', { name: 'OpenRouter' }).click();
    await lit(page).filter({ hasText: 'Database' }).waitFor();
    await page.getByText('The source is hybrid and a key is stored').waitFor();
    await page
      .getByRole('listitem')
      .filter({ hasText: 'OPENROUTER_API_KEY' })
      .getByText('Stands by')
      .waitFor();
    await page.getByText('OpenRouter accepted the key. Nothing to do.').waitFor();
    await page.getByRole('table', { name: 'Instances' }).getByText('Up to date').waitFor();
    await call('PATCH', 'openrouter', { source: 'environment' });
    await lit(page).filter({ hasText: 'Environment' }).waitFor();
    await page.getByText('The key of the environment serves.').waitFor();
    await call('PATCH', 'openrouter', { source: 'hybrid' });
    await lit(page).filter({ hasText: 'Database' }).waitFor();
  });

  it('each part has an address, and back is back', async () => {
    const page = await open();
    await page.getByRole('tab', { name: 'Tests' }).click();
    await page.waitForURL('**/providers/openrouter?tab=tests');
    await page.getByRole('table', { name: 'Tests, newest first' }).waitFor();
    await page.getByRole('tab', { name: 'Audit' }).click();
    await page.getByRole('link', { name: 'Key set' }).waitFor();
    await page.getByText('“the first”').first().waitFor();
    await page.goBack();
    await page.getByRole('img', { name: /tests, the last one Valid in \d+ ms/ }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Which key serves' }).waitFor();
    await page.getByRole('tab', { name: 'Versions and rotations' }).click();
    await page.getByRole('table', { name: 'Versions of the key' }).getByText('the stored key').waitFor();
    await page.getByText('The key was not rotated yet.').waitFor();
  });

  it('tests the key, and draws what is said', async () => {
    const page = await open('tests');
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText('OpenRouter: Valid').waitFor();
    const rows = page.getByRole('table', { name: 'Tests, newest first' }).getByRole('row');
    await rows.nth(2).waitFor();
    const before = await rows.count();
    // The provider rests between two tests.
    await expect
      .poll(
        async () =>
          (
            await callAdmin(url(), 'POST /api/v1/admin/providers/openrouter/test-key', {
              body: { api_key: deadKey },
            })
          ).status,
        { timeout: 10_000 },
      )
      .toBe(200);
    await rows.nth(before).waitFor();
    await rows.nth(1).getByText('Refused').waitFor();
    await page.getByRole('list', { name: 'Verdicts' }).getByText('Refused: 1').waitFor();
    expect(await page.locator('canvas').count()).toBe(1);
  });

  it.each([1, 4, 7])('draws %i tests that lie within minutes', async (count) => {
    const page = await open();
    await page.route('**/tests?*', async (route) => {
      const answer = await route.fetch();
      const list = (await answer.json()) as { data: Record<string, unknown>[] };
      const data = Array.from({ length: count }, (_, index) => ({
        ...list.data[0],
        id: String(1_000 - index),
        tested_at: new Date(Date.now() - index * 100_000).toISOString(),
      }));
      await route.fulfill({ json: { ...list, data, has_more: false, next_cursor: null } });
    });
    // As in a tab in the background: what is drawn waits for no frame.
    await page.evaluate('window.requestAnimationFrame = () => 0');
    await page.getByRole('tab', { name: 'Tests' }).click();
    await page.locator('canvas').waitFor();
    await page.getByRole('list', { name: 'Verdicts' }).getByText(`: ${count}`).waitFor();
  });

  it('says that the chart could not be loaded, and leaves the table', async () => {
    const page = await open();
    await page.route('**/assets/tests-chart-*', async (route) => route.abort());
    await page.getByRole('tab', { name: 'Tests' }).click();
    await page.getByText('The chart could not be loaded').waitFor();
    await page.getByRole('table', { name: 'Tests, newest first' }).waitFor();
  });

  it('asks before a source is saved under which no key serves, and counts whoever does not serve', async () => {
    await call('POST', 'groq/set-key', { api_key: firstKey, source: 'database', skip_test: true });
    await keyward.setProvider('groq', { api_key_test_status: 'valid' });
    const page = await signedIn(url(), adminToken, '/providers/groq?tab=settings');
    const dialog = page.getByRole('dialog', { name: /^No key would serve/ });
    await page.getByRole('combobox', { name: 'Source' }).click();
    await page.getByRole('option', { name: /^Environment/ }).click();
    await page.getByRole('button', { name: 'Save the settings' }).click();
    await dialog.getByText(/would fail with 503/).waitFor();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Leave it as it is' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await call('GET', 'groq')).toMatchObject({ source: 'database' });
    await page.getByRole('button', { name: 'Save the settings' }).click();
    await dialog.getByRole('button', { name: 'Save, and let calls fail' }).click();
    await expect.poll(async () => (await call('GET', 'groq'))['source']).toBe('environment');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('tab', { name: 'Overview' }).click();
    const state = page.getByRole('alert').filter({ hasText: 'So the last test said of the stored key' });
    await state.getByText('Valid', { exact: true }).waitFor();
    for (const path of ['/providers', '/health']) {
      await page.goto(`${url()}${path}`);
      await page.getByText(/1 does not serve/).waitFor();
    }
  });

  it('says whether users may bring keys of their own, at once and on record', async () => {
    const page = await open('settings');
    const keysOfUsers = page.getByLabel('Users may bring their own keys');
    expect(await keysOfUsers.isChecked()).toBe(true);
    await keysOfUsers.uncheck({ force: true });
    await page.getByRole('button', { name: 'Save the settings' }).click();
    await page.getByText('It holds for the next call.').waitFor();
    expect(await call('GET', 'openrouter')).toMatchObject({ is_byok_supported: false });
    const { body } = await callAdmin(url(), 'GET /api/v1/admin/audit-logs?action=provider.changed&limit=1');
    expect(body['data']).toMatchObject([
      { before: { is_byok_supported: true }, after: { is_byok_supported: false } },
    ]);
    // As it is changed elsewhere.
    await call('PATCH', 'openrouter', { is_byok_supported: true });
    await expect.poll(async () => keysOfUsers.isChecked()).toBe(true);
  });

  it('reads anew what is stored where the answer to a key was lost, and keeps no key in the field', async () => {
    const page = await open();
    await page.route('**/set-key?*', async (route) => route.abort());
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByRole('menuitem', { name: 'Replace the key at once' }).click();
    const field = page.getByRole('dialog').getByLabel('Key', { exact: true });
    await field.fill(secondKey);
    await page.getByRole('button', { name: 'Test and store' }).click();
    await page.getByText(/^The stored key of OpenRouter is .* since/).waitFor();
    expect(await field.inputValue()).toBe('');
    expect(await page.getByText('It is not known whether').count()).toBe(0);
    await expectAccessible(page);
  });

  it('replaces and removes the key, when the name is typed', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByRole('menuitem', { name: 'Replace the key at once' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Key', { exact: true }).fill(secondKey);
    await dialog.getByRole('button', { name: 'Test and store' }).click();
    await dialog.getByText('The key is stored').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByRole('menuitem', { name: 'Remove the key' }).click();
    await dialog.getByText('Calls then go on with the key of the environment.').waitFor();
    await dialog.getByLabel(/to go on/).fill('openrouter');
    await dialog.getByRole('button', { name: 'Remove the key' }).click();
    await lit(page).filter({ hasText: 'Environment' }).waitFor();
    await page.getByText('No key is stored.').waitFor();
    await call('POST', 'openrouter/set-key', { api_key: firstKey, source: 'hybrid', skip_test: true });
  });

  it('saves the settings, and overwrites nobody: a change made meanwhile is told, and read when asked', async () => {
    const page = await open('settings');
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('OpenRouter Inc');
    await call('PATCH', 'openrouter', { source: 'database' });
    // What was typed is not lost to what arrives.
    await page.getByText('Database', { exact: true }).waitFor();
    expect(await name.inputValue()).toBe('OpenRouter Inc');
    await page.getByRole('button', { name: 'Save the settings' }).click();
    const told = page.getByRole('alert').filter({ hasText: 'Somebody has changed this provider meanwhile' });
    await told.getByText('Source is now database').waitFor();
    await expectAccessible(page);
    await told.getByRole('button', { name: 'Read again' }).click();
    await expect.poll(async () => name.inputValue()).toBe('OpenRouter');
    await name.fill('OpenRouter Inc');
    await page.getByLabel('Base URL').fill('https://llm.example.com/v1');
    await page.getByText('The host changes').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await name.fill('OpenRouter Inc');
    await page.getByRole('button', { name: 'Save the settings' }).click();
    await page.getByRole('heading', { level: 1, name: 'OpenRouter Inc' }).waitFor();
    expect(await call('GET', 'openrouter')).toMatchObject({
      display_name: 'OpenRouter Inc',
      source: 'database',
    });
    await call('PATCH', 'openrouter', { display_name: 'OpenRouter', source: 'hybrid' });
  });

  it('sends the request headers that are set, tells a line that is none, and takes them all away', async () => {
    const page = await open('settings');
    const headers = page.getByLabel('Request headers');
    const save = page.getByRole('button', { name: 'Save the settings' });
    await headers.fill('http-referer https://example.com');
    await page.getByText('Line 1 is not of the form name: value.').waitFor();
    await headers.fill('authorization: somebody');
    await save.click();
    await page.getByText(/must not hold headers that carry keys/).waitFor();
    expect(await headers.getAttribute('aria-invalid')).toBe('true');
    await expectAccessible(page);
    await headers.fill('http-referer: https://example.com\nx-title: Our platform');
    await save.click();
    const stored = { 'http-referer': 'https://example.com', 'x-title': 'Our platform' };
    await expect.poll(async () => (await call('GET', 'openrouter'))['request_headers']).toEqual(stored);
    await page.getByText('Saved', { exact: true }).waitFor();
    await expect
      .poll(async () => headers.inputValue())
      .toBe('http-referer: https://example.com\nx-title: Our platform');
    await headers.fill('');
    await save.click();
    await expect.poll(async () => (await call('GET', 'openrouter'))['request_headers']).toBeNull();
  });

  it('asks for nothing that is not there', async () => {
    const page = await signedIn(url(), adminToken, '/providers');
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    const missing: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400) missing.push(response.url());
    });
    await page.goto(`${url()}/providers/openrouter`);
    await page.getByRole('link', { name: 'Rotate' }).waitFor();
    await lit(page).first().waitFor();
    await page.getByRole('table', { name: 'Instances' }).waitFor();
    expect(missing).toEqual([]);
  });

  it('says how old the key may grow and whose it is, and snoozes with a reason only', async () => {
    const page = await open('settings');
    await page.getByLabel('Due', { exact: true }).fill('60');
    await page.getByLabel('Ageing', { exact: true }).fill('50');
    await call('PATCH', 'openrouter', { source: 'database' });
    const owner = page.getByLabel('Whose it is');
    const save = page.getByRole('button', { name: 'Save the policy' });
    await save.click();
    await page.getByText('Somebody has changed this provider meanwhile').waitFor();
    await page.getByRole('button', { name: 'Read again' }).click();
    await expect.poll(async () => page.getByLabel('Due', { exact: true }).inputValue()).toBe('90 days');
    await page.getByLabel('Due', { exact: true }).fill('60');
    await page.getByLabel('Ageing', { exact: true }).fill('50');
    await owner.fill('the platform team');
    await save.click();
    await expect
      .poll(async () => call('GET', 'openrouter/key-policy'))
      .toMatchObject({ ageing_days: 50, due_days: 60, overdue_days: 120, owner: 'the platform team' });
    await page.getByRole('button', { name: 'Snooze…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Let the age warn nobody' });
    const confirm = dialog.getByRole('button', { name: 'Snooze' });
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    await dialog.getByLabel('Reason').fill('the new contract comes in May');
    await confirm.click();
    await page.getByText('“the new contract comes in May”').waitFor();
    await page.getByRole('button', { name: 'Warn again' }).click();
    await page.getByRole('button', { name: 'Snooze…' }).waitFor();
    await call('PATCH', 'openrouter', { source: 'hybrid' });
  });

  it('saves a policy that was read again, however late the rest of the page hears of the change', async () => {
    const page = await open();
    // Nothing tells the page of changes, and what it asks for after the form has read again stays away.
    await page.route('**/api/v1/admin/events', async (route) => route.fulfill({ status: 204 }));
    await page.goto(`${url()}/providers/openrouter?tab=settings`);
    const due = page.getByLabel('Due', { exact: true });
    const before = await due.inputValue();
    await due.fill('101');
    await call('PATCH', 'openrouter', { source: 'database' });
    await page.getByRole('button', { name: 'Save the policy' }).click();
    const again = page.getByRole('button', { name: 'Read again' });
    await again.waitFor();
    const asked = new Set<string>();
    let held = 0;
    await page.route(/\/providers\/openrouter(?:\/key-policy)?$/, async (route) => {
      const { pathname } = new URL(route.request().url());
      if (route.request().method() !== 'GET' || !asked.has(pathname)) await route.fallback();
      else held += 1;
      asked.add(pathname);
    });
    await again.click();
    await expect.poll(async () => due.inputValue()).toBe(before);
    await expect.poll(() => held).toBeGreaterThan(0);
    await due.fill('102');
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await page.getByText('The age is judged by it from now on.').waitFor();
    expect(await due.inputValue()).toBe('102 days');
    expect(await call('GET', 'openrouter/key-policy')).toMatchObject({ due_days: 102 });
    await call('PATCH', 'openrouter', { source: 'hybrid' });
  });

  it('stores the credential that makes keys, compares them, and rotates by the clock', async () => {
    const page = await open('automation');
    await page.getByText('Store the management credential first').waitFor();
    await page.getByRole('button', { name: 'Set the credential' }).click();
    const dialog = page.getByRole('dialog', { name: 'The management credential of OpenRouter' });
    await dialog.getByLabel('Credential').fill(management.wire.credential);
    await dialog.getByLabel('Address of the management API').fill(management.baseUrl);
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Store' }).click();
    await page.getByRole('button', { name: 'Compare now' }).click();
    await page.getByText('What lives at the provider is what the ledger says.').waitFor();
    await page.getByLabel('Every').fill('30');
    await page.getByLabel('Not before (UTC)').fill('02:00');
    await page.getByLabel('Not after (UTC)').fill('04:30');
    await page.getByRole('button', { name: 'Save the schedule' }).click();
    await page.getByText(/^The next one: /).waitFor();
    expect(await call('GET', 'openrouter/rotation-schedule')).toMatchObject({
      every_days: 30,
      window: { from: 120, to: 270 },
    });
    expect(await page.content()).not.toContain(management.wire.credential);
    await page.getByRole('button', { name: 'Rotate only when asked' }).click();
    await page.getByText(/^The next one: /).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove the credential' }).click();
    const removing = page.getByRole('dialog');
    await removing.getByLabel(/to go on/).fill('openrouter');
    await removing.getByRole('button', { name: 'Remove the credential' }).click();
    await page.getByText('Store the management credential first').waitFor();
  });

  it('deactivates, activates and deletes, and says what happens to traffic', async () => {
    const page = await signedIn(url(), adminToken, '/providers/our-llm?tab=settings');
    await page.getByRole('button', { name: 'Deactivate' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/every call to our-llm\/… fails/).waitFor();
    const confirm = dialog.getByRole('button', { name: 'Deactivate' });
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    await dialog.getByLabel(/to go on/).fill('our-llm');
    await confirm.click();
    await page.getByText('Inactive').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Activate', exact: true }).click();
    await dialog.getByRole('button', { name: 'Activate', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Deactivate' }).waitFor();
    await page.getByRole('button', { name: 'Delete the provider' }).click();
    await dialog.getByText(/for callers it does not exist/).waitFor();
    await dialog.getByLabel(/to go on/).fill('our-llm');
    await dialog.getByRole('button', { name: 'Delete the provider' }).click();
    await page.getByRole('heading', { level: 1, name: 'System Provider Keys' }).waitFor();
    await page.getByRole('row', { name: /Anthropic/ }).waitFor();
    expect(await page.getByText('our-llm').count()).toBe(0);
    await page.goto(`${url()}/providers/our-llm`);
    await page.getByText('There is no provider our-llm').waitFor();
    await expectAccessible(page);
  });

  it('lets a viewer look at everything and change nothing', async () => {
    const { body } = await callAdmin(url(), 'POST /api/v1/admin/tokens', {
      body: { kind: 'admin', name: 'a viewer', role: 'viewer' },
    });
    const page = await signedIn(url(), String(body['token']), '/providers/openrouter');
    const acts = ['Test', 'Rotate'];
    const ofTabs = {
      Settings: [
        'Save the settings',
        'Save the policy',
        'Snooze…',
        'Deactivate',
        'Remove the key',
        'Delete the provider',
      ],
      Automation: ['Set the credential'],
    };
    const expectOff = async (names: readonly string[]): Promise<void> => {
      for (const name of names) {
        const button = page.getByRole('button', { name, exact: true });
        await button.waitFor();
        expect([name, await button.isDisabled()]).toEqual([name, true]);
      }
    };
    await lit(page).waitFor();
    await expectOff(acts);
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByText('A viewer may look and not change').waitFor();
    await page.keyboard.press('Escape');
    for (const [tab, names] of Object.entries(ofTabs)) {
      await page.getByRole('tab', { name: tab }).click();
      await expectOff(names);
    }
    await page.getByRole('tab', { name: 'Audit' }).click();
    await page.getByRole('link', { name: 'Key set' }).first().waitFor();
    await page.getByRole('tab', { name: 'Settings' }).click();
    const name = page.getByLabel('Name', { exact: true });
    expect(await name.isDisabled()).toBe(true);
    expect(await page.getByLabel('Users may bring their own keys').isDisabled()).toBe(true);
    await page.getByText('You are signed in as a viewer').waitFor();
    expect(
      await name.evaluate((field) => field.ownerDocument.defaultView?.getComputedStyle(field).opacity),
    ).toBe('1');
    await expectAccessible(page);
  });

  it.each(looks)('axe-core finds nothing in any part: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(url(), adminToken, '/providers/openrouter', { colorScheme, width });
    const parts = {
      Overview: lit(page),
      Tests: page.locator('canvas'),
      'Versions and rotations': page.getByRole('table', { name: 'Versions of the key' }),
      Audit: page.getByRole('table', { name: 'Events, newest first' }),
      Automation: page.getByRole('heading', { name: 'Rotation by the clock' }),
      Settings: page.getByRole('heading', { name: 'Danger zone' }),
    };
    for (const [name, shown] of Object.entries(parts)) {
      await page.getByRole('tab', { name }).click();
      await shown.first().waitFor();
      await expectAccessible(page);
      expect([name, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([name, width]);
    }
  });

  it('says that the server does not answer, and reads again when asked', async () => {
    const page = await open();
    await page.route('**/tests?*', async (route) => route.abort());
    await page.getByRole('tab', { name: 'Tests' }).click();
    const failure = page.getByRole('alert').filter({ hasText: 'The tests cannot be read' });
    await failure.waitFor();
    await expectAccessible(page);
    await page.unroute('**/tests?*');
    await failure.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table', { name: 'Tests, newest first' }).waitFor();
  });
});
