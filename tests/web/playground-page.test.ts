/** The playground in a real browser, through a real gateway, before a stand-in provider. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { callAdmin } from '../support/administered-keyward.ts';
import {
  expectAccessible,
  expectNoSidewaysAtDoubleText,
  looks,
  usePage,
} from '../support/page-in-browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { adminToken, gatewayToken } from '../support/running-keyward.ts';
import { refusals } from '../support/stand-in-behaviour.ts';

describe('the playground', () => {
  const { signedIn } = usePage();
  let world: PageWorld;
  beforeAll(async () => {
    world = await startPageWorld();
  });
  beforeEach(() => world.provider.behave({}));
  afterAll(async () => world.close());

  const withToken = async (page: Page, token = gatewayToken): Promise<void> => {
    await page.getByLabel('Gateway token', { exact: true }).fill(token);
    await page.getByRole('button', { name: 'Use this token' }).click();
    await page.getByText(/which is forgotten when you leave/).waitFor();
  };
  const answer = (page: Page) => page.getByRole('region', { name: 'The text of the answer' });
  const send = async (page: Page, message: string): Promise<void> => {
    await page.getByLabel('Message').fill(message);
    await page.keyboard.press('Control+Enter');
  };

  it('makes a token for an hour when that is confirmed, and says which key served', async () => {
    const page = await signedIn(world.url, adminToken, '/playground');
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Make one for an hour' }).click();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Make the token' }).click();
    await page.getByText(/which is forgotten when you leave/).waitFor();
    expect(await page.getByRole('combobox', { name: 'Model' }).inputValue()).toBe('google/gemini-flash-1.5');
    await send(page, 'Grüß Gott, wie geht es?');
    await page.getByText('Answered.', { exact: true }).waitFor();
    expect(await answer(page).innerText()).toBe('Grüß Gott, wie geht es?');
    const key = world.keyward.snapshot.providers.get('openrouter')?.resolution.key;
    const facts = await page.getByRole('region', { name: 'Answer', exact: true }).innerText();
    for (const fact of [
      'openrouter',
      'Environment',
      key?.fingerprint ?? 'none',
      'none needed',
      'First word after',
    ])
      expect(facts).toContain(fact);
    const { body } = await callAdmin(world.url, 'GET /api/v1/admin/tokens?kind=gateway');
    const [made] = body['data'] as { name: string; created_at: string; expires_at: string }[];
    expect(made?.name).toBe('playground');
    expect(Date.parse(made?.expires_at ?? '') - Date.parse(made?.created_at ?? '')).toBeLessThanOrEqual(
      3_600_000,
    );
    await expectAccessible(page);
  });

  it('shows the text as it arrives, and stops when told', async () => {
    world.provider.behave({ reply: 'Und weiter. ', chunks: 50_000, chunkLagMs: 20 });
    const page = await signedIn(world.url, adminToken, '/playground');
    await withToken(page);
    await send(page, 'Erzähl');
    await page.getByText('Answering…').waitFor();
    await answer(page)
      .getByText(/Und weiter\. Und weiter/)
      .waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText(/^Stopped\./).waitFor();
    await page.getByRole('button', { name: 'Send' }).isEnabled();
  });

  it('tells what went wrong in words, and keeps who is signed in', async () => {
    const page = await signedIn(world.url, adminToken, '/playground');
    await withToken(page, ['kwg', 'not', 'there'].join('_'));
    await page.getByRole('alert').getByText('The models cannot be listed with this token').waitFor();
    await send(page, 'Hello');
    await page.getByText('It was not answered: status 401').waitFor();
    await page.getByRole('button', { name: 'Use another' }).click();
    await withToken(page);
    world.provider.behave({ answer: refusals.paymentRequired });
    await send(page, 'Hello');
    await page.getByText('It was not answered: status 402').waitFor();
    await page.getByRole('alert').getByText('Insufficient credits.').waitFor();
    await expectAccessible(page);
    world.provider.behave({
      reply: 'Es war einmal ',
      chunks: 40,
      chunkLagMs: 10,
      cut: { afterBytes: 3_000, ending: 'reset' },
    });
    await send(page, 'Hello');
    await page.getByText('The answer is not whole').waitFor();
    await answer(page)
      .getByText(/Es war einmal/)
      .waitFor();
  });

  it('gives the call to copy, without the token; nothing of the token is kept', async () => {
    const page = await signedIn(world.url, adminToken, '/playground');
    await withToken(page);
    await send(page, `It's "me"`);
    await page.getByText('Answered.', { exact: true }).waitFor();
    const call = page.getByRole('region', { name: 'The same call from elsewhere' });
    await call.getByText(String.raw`It'\''s \"me\"`).waitFor();
    for (const language of ['Python', 'JavaScript']) {
      await call.getByText(language, { exact: true }).click();
      await call.getByText(/YOUR_GATEWAY_TOKEN"/).waitFor();
    }
    await expectAccessible(page);
    expect(await page.content()).not.toContain(gatewayToken);
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).not.toContain(
      gatewayToken,
    );
    expect(new URL(page.url()).search).toBe('?provider=openrouter&model=google%2Fgemini-flash-1.5');
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
    await page.goBack();
    await page.getByLabel('Gateway token', { exact: true }).waitFor();
  });

  it('lets a viewer paste a token, and make none', async () => {
    const page = await signedIn(world.url, await world.makeToken('viewer'), '/playground');
    expect(await page.getByRole('button', { name: 'Make one for an hour' }).isDisabled()).toBe(true);
    await withToken(page);
    await send(page, 'Servus');
    await answer(page).getByText('Servus').waitFor();
  });

  it.each(looks)('axe-core finds nothing and nothing is cut off: %s, %i px', async (colorScheme, width) => {
    const page = await signedIn(world.url, adminToken, '/playground', { colorScheme, width });
    await expectAccessible(page);
    await withToken(page);
    await send(page, 'Servus '.repeat(80));
    await page.getByText('Answered.', { exact: true }).waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    if (width === 1280) await expectNoSidewaysAtDoubleText(page, 'the playground');
  });
});
