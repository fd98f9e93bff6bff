/** Audit, in a real browser, through the real server. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin } from '../support/administered-keyward.ts';
import { recordMany } from '../support/audited.ts';
import { expectAccessible, looks, usePage } from '../support/page-in-browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { adminToken } from '../support/running-keyward.ts';

describe('Audit', () => {
  const { signedIn } = usePage();
  let world: PageWorld;
  beforeAll(async () => {
    world = await startPageWorld();
    await changePolicy('the first owner', 'a contract');
    await changePolicy('the second owner', 'another contract');
    await recordMany(world.keyward.server.installation.audit, 1_500);
  });
  afterAll(async () => world.close());

  const changePolicy = async (owner: string, reason: string): Promise<void> => {
    const { status } = await callAdmin(world.url, 'PUT /api/v1/admin/providers/openrouter/key-policy', {
      body: { owner, reason },
    });
    expect(status).toBe(200);
  };
  const sequenceOf = async (reason: string): Promise<number> => {
    const [row] = await world.keyward.sql<{ sequence: string }>(
      `SELECT sequence FROM keyward_audit_events WHERE event::jsonb ->> 'reason' = $1`,
      [reason],
    );
    return Number(row?.sequence);
  };

  it('lists who did what, filtered by all that the address says, and back is back', async () => {
    const page = await signedIn(world.url, adminToken, '/audit?action=policy&target=provider:openrouter');
    await page.getByRole('row', { name: /Policy changed.*another contract/ }).waitFor();
    expect(await page.getByRole('row').count()).toBe(3);
    await page.getByText('These are all.').waitFor();
    await page.getByLabel('Who').fill('nobody of this name');
    await page.getByText('No event is like this').waitFor();
    expect(new URL(page.url()).searchParams.get('actor')).toBe('nobody of this name');
    await page.getByRole('button', { name: 'Show all events' }).click();
    await page
      .getByRole('row', { name: /Key set/ })
      .first()
      .waitFor();
    expect(await page.getByLabel('Who').inputValue()).toBe('');
    await page.getByRole('combobox', { name: 'What' }).fill('Policy changed');
    await page.getByRole('option', { name: 'Policy changed' }).click();
    await page.waitForURL('**/audit?action=policy.changed');
    await page.getByLabel('From').fill('2020-01-01T00:00');
    await page.getByRole('textbox', { name: 'To', exact: true }).fill('2020-01-02T00:00');
    await page.getByText('No event is like this').waitFor();
    await page.goBack();
    await page.waitForURL('**actor=nobody**');
    expect(await page.getByLabel('Who').inputValue()).toBe('nobody of this name');
  });

  it('shows one event at an address of its own, its fields before and after, and goes back to the list', async () => {
    const sequence = await sequenceOf('another contract');
    const page = await signedIn(world.url, adminToken, `/audit/${sequence}?action=policy`);
    const dialog = page.getByRole('dialog', { name: 'Policy changed' });
    const owner = dialog.getByRole('row', { name: /^owner/ });
    await owner.waitFor();
    expect(await owner.innerText()).toMatch(/the first owner\s+the second owner/);
    expect(await owner.getAttribute('data-changed')).toBe('true');
    expect(await dialog.getByRole('row', { name: /^due days/ }).getAttribute('data-changed')).toBe('false');
    await dialog.getByText('another contract').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.waitForURL('**/audit?action=policy');
    await page.getByRole('link', { name: 'Policy changed' }).first().click();
    await page.getByRole('dialog', { name: 'Policy changed' }).waitFor();
    await page.goBack();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.goto(`${world.url}/audit/999999`);
    await page.getByText('There is no event of this number').waitFor();
  });

  it('goes on without an end, draws only what is near, and lets new events wait below the top', async () => {
    const page = await signedIn(world.url, adminToken, '/audit?action=provider');
    await page.getByRole('row', { name: /event-1500/ }).waitFor();
    await changePolicyOfAnother('while one looks');
    await page.getByRole('row', { name: /Provider changed/ }).waitFor();
    const oldest = page.getByRole('row', { name: /event-1\b/ });
    await expect
      .poll(async () => {
        await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)');
        return oldest.count();
      })
      .toBe(1);
    expect(await page.getByRole('row').count()).toBeLessThan(80);
    await changePolicyOfAnother('while one reads old ones');
    await page.getByRole('button', { name: 'One newer event' }).click();
    await page.getByRole('row', { name: /while one reads old ones/ }).waitFor();
  });
  const changePolicyOfAnother = async (reason: string): Promise<void> => {
    await callAdmin(world.url, 'PATCH /api/v1/admin/providers/groq', {
      body: { display_name: `Groq, ${reason}`, reason },
    });
  };

  it('verifies the chain for a viewer too: whole, or broken with the event that does not fit', async () => {
    const page = await signedIn(world.url, await world.makeToken('viewer'), '/audit');
    const verify = page.getByRole('button', { name: 'Verify the chain' });
    await verify.click();
    await page.getByText(/^The trail is whole: \d+ events/).waitFor();
    const sequence = await sequenceOf('a contract');
    const forge = async (from: string, to: string): Promise<unknown> =>
      world.keyward.sql(`ALTER TABLE keyward_audit_events DISABLE TRIGGER USER;
        UPDATE keyward_audit_events SET event = replace(event, '${from}', '${to}') WHERE sequence = ${sequence};
        ALTER TABLE keyward_audit_events ENABLE TRIGGER USER`);
    await forge('a contract', 'no contract');
    await verify.click();
    await page.getByText(`The trail is broken at event ${sequence}`).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: `Look at event ${sequence}` }).click();
    await page.getByRole('dialog').getByText('no contract').waitFor();
    await forge('no contract', 'a contract');
  });

  it('stops a verification that takes long, and verifies again', async () => {
    const page = await signedIn(world.url, adminToken, '/audit');
    const verify = page.getByRole('button', { name: 'Verify the chain' });
    // A trail on which it takes long would take long to make: the question is held back instead.
    await page.route('**/audit-logs/verify', async () => undefined);
    const asked = page.waitForRequest('**/audit-logs/verify');
    await verify.click();
    await asked;
    const running = page.getByRole('status').filter({ hasText: 'All of the trail is read' });
    await running.waitFor();
    await expectAccessible(page);
    const ended = page.waitForEvent('requestfailed');
    await running.getByRole('button', { name: 'Stop' }).click();
    expect((await ended).url()).toContain('/audit-logs/verify');
    await running.waitFor({ state: 'detached' });
    expect(await page.getByText('The chain was not verified').count()).toBe(0);
    await page.unroute('**/audit-logs/verify');
    await verify.click();
    await page.getByText(/^The trail is whole: \d+ events/).waitFor();
  });

  it('says what cannot be read, and reads it again', async () => {
    const page = await signedIn(world.url, adminToken, '/providers');
    await world.keyward.sql('ALTER TABLE keyward_audit_events RENAME TO keyward_audit_events_away');
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByText('The events cannot be read').waitFor();
    await world.keyward.sql('ALTER TABLE keyward_audit_events_away RENAME TO keyward_audit_events');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page
      .getByRole('row', { name: /Signed in/ })
      .first()
      .waitFor();
  });

  it.each([
    ['CSV, for a spreadsheet', 'csv', /^sequence,occurred_at,.*\r\n\d+,/],
    ['JSON lines, for programs', 'jsonl', /^\{"sequence":\d+,/],
  ])('gives what is shown as a file: %s', async (words, format, begins) => {
    const page = await signedIn(world.url, adminToken, '/audit?action=policy');
    await page.getByRole('row', { name: /another contract/ }).waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: words }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`^keyward-audit-.*\\.${format}$`));
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toMatch(begins);
    expect(text).toContain('another contract');
    expect(text).not.toContain('provider.key_set');
  });

  it.each(looks)(
    'axe-core finds nothing: %s, %i px; nothing has to be scrolled sideways',
    async (colorScheme, width) => {
      const page = await signedIn(world.url, adminToken, '/audit', { colorScheme, width });
      await page
        .getByRole('row', { name: /Key set/ })
        .first()
        .waitFor();
      await expectAccessible(page);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await page.getByRole('link', { name: 'Key set' }).first().click();
      await page.getByRole('dialog').getByText('Before and after').waitFor();
      await expectAccessible(page);
    },
  );
});
