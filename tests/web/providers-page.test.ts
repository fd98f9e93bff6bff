/** System Provider Keys, in a real browser, through the real server. */
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin, deadKey, environmentKey, firstKey, secondKey } from '../support/administered-keyward.ts';
import {
  expectAccessible,
  expectNoSidewaysAtDoubleText,
  looks,
  untilFocused,
  usePage,
} from '../support/page-in-browser.ts';
import {
  adminToken,
  newPlace,
  startKeyward,
  type Place,
  type RunningKeyward,
} from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

describe('System Provider Keys', () => {
  const { visit, signedIn } = usePage();
  let provider: StandInProvider;
  let place: Place;
  let keyward: RunningKeyward;
  beforeAll(async () => {
    provider = await startStandInProvider({
      slug: 'openrouter',
      keys: [environmentKey, firstKey, secondKey],
    });
    place = await newPlace();
    keyward = await startKeyward({
      place,
      env: { OPENROUTER_BASE_URL: provider.baseUrl, OPENROUTER_API_KEY: environmentKey },
    });
  });
  afterAll(async () => {
    await keyward.stop();
    await place.remove();
    await provider.close();
  });
  const url = (): string => keyward.server.url;
  const makeToken = async (role: 'admin' | 'viewer'): Promise<string> => {
    const { body } = await callAdmin(url(), 'POST /api/v1/admin/tokens', {
      body: { kind: 'admin', name: `a ${role}`, role },
    });
    return String(body['token']);
  };

  it('asks who is there, tells a wrong token, and leads to where one wanted to go', async () => {
    const page = await visit(`${url()}/providers?q=openrouter`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expectAccessible(page);
    const field = page.getByLabel('Admin token', { exact: true });
    await field.fill('kwa_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This is no admin token that holds here').waitFor();
    expect(await field.inputValue()).toBe('');
    await field.fill(adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
    expect(new URL(page.url()).search).toBe('?q=openrouter');
  });

  it('sets a key: trimmed with a note, tested, stored, served, and nowhere to be found afterwards', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByRole('menuitem', { name: 'Set a key' }).click();
    const dialog = page.getByRole('dialog', { name: 'Set the key of OpenRouter' });
    await dialog.getByLabel('Key', { exact: true }).fill(`  ${firstKey}\n`);
    await dialog.getByText('Spaces around the key were left out.').waitFor();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Test and store' }).click();
    await dialog.getByText('The key is stored').waitFor();
    await dialog.getByText('It serves on the one running instance.').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row', { name: /OpenRouter/ });
    await row.getByText('Valid').waitFor();
    await row.getByText('Database').waitFor();
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.documentElement.outerHTML])',
    );
    expect(kept).not.toContain(firstKey);
  });

  it('tells a key that the provider refuses, and stores nothing', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByRole('menuitem', { name: 'Replace the key' }).click();
    await page.getByLabel('Key', { exact: true }).fill(deadKey);
    await page.getByRole('button', { name: 'Test and store' }).click();
    await page.getByText('The key was not stored').waitFor();
    await page.getByText('key_proven_dead').waitFor();
    const { body } = await callAdmin(url(), 'GET /api/v1/admin/providers/openrouter');
    expect(body['stored_key']).toMatchObject({ test_status: 'valid' });
  });

  it('shows by itself what was changed elsewhere', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    const row = page.getByRole('row', { name: /OpenRouter/ });
    await row.getByText('Database').waitFor();
    const answer = await callAdmin(url(), 'DELETE /api/v1/admin/providers/openrouter/remove-key', {
      body: {},
    });
    expect(answer.status).toBe(200);
    await row.getByText('Nothing yet').waitFor();
    await callAdmin(url(), 'POST /api/v1/admin/providers/openrouter/set-key', {
      // The provider was asked a moment ago.
      body: { api_key: secondKey, source: 'hybrid', skip_test: true },
    });
    await row.getByText('Database').waitFor();
  });

  it('removes a key only when its name is typed, and says what will serve then', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByRole('menuitem', { name: 'Remove the key' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove the key of OpenRouter' });
    await dialog.getByText('Calls then go on with the key of the environment.').waitFor();
    const confirm = dialog.getByRole('button', { name: 'Remove the key' });
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    await dialog.getByLabel(/to go on/).fill('openrouter');
    await confirm.click();
    await page
      .getByRole('row', { name: /OpenRouter/ })
      .getByText('Environment')
      .waitFor();
  });

  it('draws what was asked of each provider in 24 hours, by one request for all, and anew each minute', async () => {
    const hour = (back: number): string =>
      `date_trunc('hour', now() AT TIME ZONE 'UTC') - interval '${back} hours'`;
    await keyward.sql(
      `INSERT INTO keyward_usage_hourly (hour, provider, requests, errors)
       VALUES (${hour(0)}, 'openrouter', 1200, 3), (${hour(5)}, 'openrouter', 4, 0), (${hour(30)}, 'openrouter', 9, 9),
              (${hour(2)}, 'groq', 1, 0), (${hour(40)}, 'xai', 7, 0)`,
    );
    const page = await signedIn(url(), adminToken, '/usage');
    await page.clock.install();
    let asked = 0;
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/api/v1/admin/usage/hours') asked += 1;
    });
    await page.goto(`${url()}/providers`);
    const row = page.getByRole('row', { name: /OpenRouter/ });
    const bars = row.getByRole('img', { name: '1,204 requests in 24 hours, 3 failed' });
    await bars.waitFor();
    /** Of the bars of one colour, the oldest hour first. */
    const heights = async (name: string): Promise<number[]> => {
      const path = await bars.locator(`path[class*="${name}"]`).getAttribute('d');
      return [...(path ?? '').matchAll(/v-([\d.]+)/g)].map(([, tall]) => Number(tall));
    };
    expect(await heights('empty')).toHaveLength(22);
    const [small = 0, large = 0, ...more] = await heights('asked');
    expect(more).toEqual([]);
    expect(large).toBeGreaterThan(small);
    expect(small).toBeGreaterThan(0);
    expect(await heights('failed')).toEqual([
      expect.toSatisfy((height: number) => height > 0 && height < large),
    ]);
    await bars.focus();
    await page.getByText('The most in an hour: 1,200.').waitFor();
    await page
      .getByRole('row', { name: /^Groq/ })
      .getByRole('img', { name: '1 request in 24 hours, none failed' })
      .waitFor();
    const idle = page.getByRole('row', { name: /^xAI/ });
    expect(await idle.getByRole('img', { name: /24 hours/ }).count()).toBe(0);
    await idle.getByText('none', { exact: true }).last().waitFor();
    expect(asked).toBe(1);
    await keyward.sql(`UPDATE keyward_usage_hourly SET requests = 1201 WHERE requests = 1200`);
    await page.clock.fastForward(61_000);
    await row.getByRole('img', { name: '1,205 requests in 24 hours, 3 failed' }).waitFor();
  });

  it('shows the list where the traffic cannot be read, and says nothing of it', async () => {
    const page = await signedIn(url(), adminToken, '/usage');
    await page.route('**/usage/hours', async (route) => route.abort());
    await page.goto(`${url()}/providers?q=openrouter`);
    const row = page.getByRole('row', { name: /OpenRouter/ });
    await row.waitFor();
    expect(await row.getByRole('img', { name: /24 hours/ }).count()).toBe(0);
  });

  it('signing out leaves nothing of what was shown', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    await page.getByRole('button', { name: /^Account: / }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.content()).not.toContain('OpenRouter');
  });

  it('an address that says what cannot be is as if it said nothing', async () => {
    const page = await signedIn(url(), adminToken, '/audit?since=banana&outcome=bogus');
    await page.getByText('Signed in').first().waitFor();
    await page.goto(`${url()}/providers?status=bogus`);
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
  });

  it('lets a viewer look at everything and change nothing', async () => {
    const page = await signedIn(url(), await makeToken('viewer'), '/providers');
    expect(await page.getByRole('button', { name: 'Add a provider' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Test all' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'More for OpenRouter' }).click();
    await page.getByText('A viewer may look and not change').waitFor();
    const items = await page.getByRole('menuitem').all();
    expect(await Promise.all(items.map(async (item) => item.getAttribute('data-disabled')))).toEqual(
      items.map(() => 'true'),
    );
  });

  it('filters, in the address too, and back is back', async () => {
    const page = await signedIn(url(), adminToken, '/providers');
    await page.getByRole('row', { name: /Anthropic/ }).waitFor();
    await page.getByLabel('Search by name').fill('nobody has this name');
    await page.getByText('No provider is like this').waitFor();
    await page.getByRole('button', { name: /^Show all/ }).click();
    await page.getByRole('row', { name: /Anthropic/ }).waitFor();
    await page.goBack();
    await page.getByText('No provider is like this').waitFor();
  });

  it('gives the focus back to what opened a dialog: a button, or the menu from which it came', async () => {
    await callAdmin(url(), 'POST /api/v1/admin/providers/openrouter/set-key', {
      body: { api_key: secondKey, source: 'hybrid', skip_test: true },
    });
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    const more = page.getByRole('button', { name: 'More for OpenRouter' });
    for (const name of ['Replace the key', 'Remove the key']) {
      await more.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name }).press('Enter');
      await page.getByRole('dialog').getByRole('textbox').first().waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await untilFocused(more);
    }
    const add = page.getByRole('button', { name: 'Add a provider' });
    await add.click();
    await page.getByRole('dialog').getByRole('textbox').first().waitFor();
    await page.keyboard.press('Escape');
    await untilFocused(add);
  });

  it('gives the focus back when the palette closes, and to the view where what had it is gone', async () => {
    const page = await signedIn(url(), adminToken, '/providers?q=openrouter');
    const palette = page.getByRole('combobox', { name: 'A view or a provider' });
    const button = page.getByRole('button', { name: 'Go to…' });
    await button.click();
    await palette.waitFor();
    await page.keyboard.press('Escape');
    await untilFocused(button);
    const more = page.getByRole('button', { name: 'More for OpenRouter' });
    await more.focus();
    await page.keyboard.press('Control+k');
    await palette.waitFor();
    await page.keyboard.press('Control+k');
    await palette.waitFor({ state: 'detached' });
    await untilFocused(more);
    await page.keyboard.press('Control+k');
    await palette.fill('encryption');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Encryption' }).waitFor();
    await untilFocused(page.locator('#view'));
  });

  it('goes to a provider by keyboard alone', async () => {
    const page = await signedIn(url(), adminToken, '/providers');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'A view or a provider' }).fill('openr');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/providers/openrouter');
  });

  it.each(looks)(
    'axe-core finds nothing: %s, %i px; nothing has to be scrolled sideways',
    async (colorScheme, width) => {
      const page = await signedIn(url(), adminToken, '/providers', { colorScheme, width });
      await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
      await expectAccessible(page);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    },
  );

  it.each([800, 1024, 1100, 1280])('every row ends within a window of %i px', async (width) => {
    const page = await signedIn(url(), adminToken, '/providers', { width });
    const acts = page
      .getByRole('row', { name: /OpenRouter/ })
      .getByRole('button')
      .last();
    await acts.waitFor();
    expect(await rightEdge(acts)).toBeLessThanOrEqual(width);
  });

  it('has room for text that is twice as large, on every view', async () => {
    const page = await signedIn(url(), adminToken, '/providers');
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    const settled = page.getByRole('status', { name: /^Reading/ });
    for (const path of [
      '/providers',
      '/providers/openrouter',
      ...['tests', 'versions', 'audit', 'automation', 'settings'].map(
        (tab) => `/providers/openrouter?tab=${tab}`,
      ),
      '/providers/openrouter/rotations/new',
      ...['', '/alerts', '/tests', '/dates', '/channels', '/policies'].map((tab) => `/health${tab}`),
      '/callers',
      '/usage',
      '/playground',
      '/audit',
      ...['tokens', 'sessions'].map((tab) => `/administrators?tab=${tab}`),
      '/encryption',
      ...['instances', 'migrations', 'configuration'].map((tab) => `/system?tab=${tab}`),
      '/set-up',
    ]) {
      await page.goto(url() + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await settled.first().waitFor({ state: 'detached' });
      await expectNoSidewaysAtDoubleText(page, path);
      await page.setViewportSize({ width: 360, height: 800 });
      await expectNoSidewaysAtDoubleText(page, `${path} at 360 px`);
      for (const name of ['Go to…', /^Account: /])
        await expect
          .poll(async () => rightEdge(page.getByRole('button', { name })), {
            message: `${String(name)} on ${path}`,
          })
          .toBeLessThanOrEqual(360);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
  }, 150_000);

  it('says that it may be stale while the server is away, and goes on by itself', async () => {
    const page = await signedIn(url(), adminToken, '/providers');
    await page.getByRole('row', { name: /OpenRouter/ }).waitFor();
    const { port } = keyward;
    await keyward.stop();
    const notice = page.getByText('The connection to Keyward is lost');
    await notice.waitFor();
    await expectAccessible(page);
    keyward = await startKeyward({
      place,
      env: { PORT: String(port), OPENROUTER_BASE_URL: provider.baseUrl, OPENROUTER_API_KEY: environmentKey },
    });
    await notice.waitFor({ state: 'detached' });
  });

  it('a session that is ended elsewhere ends here, where one was', async () => {
    const token = await makeToken('admin');
    const page = await signedIn(url(), token, '/providers?q=openrouter');
    const { body } = await callAdmin(url(), 'GET /api/v1/admin/sessions?q=a%20admin');
    const [session] = body['data'] as { id: string }[];
    await callAdmin(url(), `DELETE /api/v1/admin/sessions/${session?.id ?? ''}`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(new URL(page.url()).search).toBe('?q=openrouter');
  });
});

async function rightEdge(control: Locator): Promise<number> {
  const place = await control.boundingBox();
  return place === null ? Infinity : place.x + place.width;
}
