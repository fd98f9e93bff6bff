/** Health and alerts, in a real browser, through the real server. */
import { dayMs } from '../../src/foundation/day.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin, environmentKey } from '../support/administered-keyward.ts';
import { expectAccessible, looks, usePage } from '../support/page-in-browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { HttpReceiver } from '../support/receivers.ts';
import { adminToken } from '../support/running-keyward.ts';

const dayBefore = (days: number): string => new Date(Date.now() - days * dayMs).toISOString().slice(0, 10);
const webhookSecret = ['whsec', Buffer.from('a-secret-of-the-tests-that-is-long').toString('base64')].join(
  '_',
);

describe('Health and alerts', () => {
  const { signedIn } = usePage();
  let world: PageWorld;
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await new HttpReceiver().listen();
    receiver.answer = (response) => response.writeHead(204).end();
    world = await startPageWorld();
    await call('POST /api/v1/admin/providers/openrouter/test-key', {});
  });
  afterAll(async () => {
    await world.close();
    await receiver.close();
  });
  const call = async (request: `${string} /${string}`, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await callAdmin(world.url, request, { body });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.body;
  };
  /** A provider rests between tests. */
  const testKey = async (verdict: string): Promise<void> => {
    const path = 'POST /api/v1/admin/providers/openrouter/test-key';
    await expect
      .poll(async () => (await callAdmin(world.url, path, { body: {} })).body['verdict'])
      .toBe(verdict);
  };
  const open = async (path: string, token = adminToken): Promise<Page> => signedIn(world.url, token, path);
  const plantAlert = async (what: string, severity = 'critical', resolved = false): Promise<string> => {
    const details = {
      what,
      why: 'It answered 401.',
      provider: 'openrouter',
      owner: 'the platform team',
      requestsLastHour: 12,
      command: 'keyward keys set openrouter',
    };
    const [row] = await world.keyward.sql<{ id: string }>(
      `INSERT INTO keyward_alerts (cause, kind, severity, details, resolved_at)
       VALUES ('planted:' || gen_random_uuid(), 'key_dead', $1, $2, CASE WHEN $3 THEN now() AT TIME ZONE 'UTC' END)
       RETURNING id`,
      [severity, JSON.stringify(details), resolved],
    );
    return row?.id ?? '';
  };

  it('says how each key stands now, since when, and what serves; worse appears by itself', async () => {
    const page = await open('/health');
    const row = page.getByRole('row', { name: /OpenRouter/ });
    await row.getByText('Healthy').waitFor();
    await row.getByText('Environment').waitFor();
    await page.getByText('1 healthy · no open alert').waitFor();
    await page.getByText(/^Active and without a key: .*Groq/).waitFor();
    world.provider.revoke(environmentKey);
    await testKey('invalid');
    await row.getByText('Unhealthy').waitFor();
    await row.getByText('Refused').waitFor();
    await page.getByText('1 unhealthy', { exact: false }).first().waitFor();
    world.provider.setKeys([environmentKey]);
    await testKey('valid');
    await row.getByText('Healthy').waitFor();
  });

  it('shows the daily tests as a calendar in words, goes through it by keyboard, and runs them now', async () => {
    await world.keyward.sql(
      `INSERT INTO keyward_daily_tests (provider_id, day, due_at, state, verdict, response_time_ms, tested_at)
       SELECT id, $1::date, $1::date, 'done', 'valid', 231, $1::date FROM llm_providers WHERE provider_slug = 'openrouter'
       UNION ALL
       SELECT id, $2::date, $2::date, 'missed', NULL, NULL, NULL FROM llm_providers WHERE provider_slug = 'openrouter'`,
      [dayBefore(2), dayBefore(1)],
    );
    const page = await open('/health/tests');
    await page.getByText('Daily tests are switched off').waitFor();
    const line = page.getByRole('row', { name: /OpenRouter/ });
    const cells = line.getByRole('gridcell');
    await expect.poll(async () => cells.count()).toBe(30);
    expect(await cells.nth(27).innerText()).toContain('valid, 231 ms');
    expect(await cells.nth(28).innerText()).toContain('missed');
    await cells.nth(29).focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('status').filter({ hasText: 'missed: nobody ran it that day' }).waitFor();
    await page.getByRole('radiogroup', { name: 'How many days' }).getByText('14 days').click();
    await page.waitForURL('**/health/tests?days=14');
    await expect.poll(async () => cells.count()).toBe(14);
    await page.getByRole('button', { name: 'Run them now' }).click();
    const dialog = page.getByRole('dialog', { name: 'Run the daily tests now' });
    await dialog.getByLabel('Reason').fill('before the weekend');
    await dialog.getByRole('button', { name: 'Run them now' }).click();
    await expect.poll(async () => cells.nth(13).innerText(), { timeout: 15_000 }).toMatch(/valid, \d+ ms/);
  });

  it('lists alerts by the filters of the address, counts them in the menu, and leads to each', async () => {
    const page = await open('/health/alerts');
    await page.getByText('Nothing is wrong').waitFor();
    await plantAlert('A key is dead.');
    await plantAlert('A key is old.', 'info');
    await plantAlert('It was broken.', 'critical', true);
    const row = (what: string) => page.getByRole('row', { name: new RegExp(what) });
    await row('A key is dead').waitFor();
    await page.getByLabel('2 open alerts').waitFor();
    await row('A key is old').waitFor();
    expect(await row('It was broken').count()).toBe(0);
    await page.getByRole('radiogroup', { name: 'State' }).getByText('Over').click();
    await row('It was broken').waitFor();
    await page.goto(`${world.url}/health/alerts?severity=info`);
    await row('A key is old').waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
    await page.getByRole('link', { name: 'A key is old.' }).click();
    await page.getByRole('heading', { name: 'A key is old.' }).waitFor();
    await page.goBack();
    await page.waitForURL('**/health/alerts?severity=info');
  });

  it('answers at the address that messages link to; an alert is seen to, put off and over, with reasons', async () => {
    const id = await plantAlert('The provider refuses the key.');
    const page = await open(`/health/alerts/${id}`);
    await page.getByRole('heading', { name: 'The provider refuses the key.' }).waitFor();
    await page.getByText('12 requests in the last hour').waitFor();
    await page.getByText('keyward keys set openrouter').waitFor();
    await page.getByText('Nothing was sent').waitFor();
    const act = async (button: string, confirm: string, reason: string, before?: () => Promise<void>) => {
      await page.getByRole('button', { name: button, exact: true }).click();
      const dialog = page.getByRole('dialog');
      await before?.();
      await dialog.getByLabel('Reason').fill(reason);
      await dialog.getByRole('button', { name: confirm }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText(reason, { exact: true }).waitFor();
    };
    await act('Acknowledge', 'I see to it', 'the vendor is told');
    await page.getByText('Seen to', { exact: true }).waitFor();
    await act('Snooze', 'Put it off', 'after the weekend', async () => {
      await expectAccessible(page);
      await page.getByLabel('A week').check();
    });
    await page.getByText('Put off', { exact: true }).waitFor();
    const { alert } = await call(`GET /api/v1/admin/alerts/${id}`, undefined);
    const until = Date.parse(String((alert as Record<string, unknown>)['snoozed_until']));
    expect(Math.round((until - Date.now()) / dayMs)).toBe(7);
    await act('Resolve', 'It is over', 'a new key is in');
    await page.getByText('Over', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Resolve' }).count()).toBe(0);
    await page.goto(`${world.url}/health/alerts/999`);
    await page.getByText('There is no such alert').waitFor();
  });

  it("puts an alert off until a time of one's own", async () => {
    const id = await plantAlert('The provider is being moved.');
    const page = await open(`/health/alerts/${id}`);
    await page.getByRole('button', { name: 'Snooze', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Put the alert off' });
    const confirm = dialog.getByRole('button', { name: 'Put it off' });
    await dialog.getByLabel('Until a time of your own').check();
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    const until = `${dayBefore(-3)}T12:30`;
    await dialog.getByLabel('Until', { exact: true }).fill(until);
    await confirm.click();
    await page.getByText('Put off', { exact: true }).waitFor();
    const { alert } = await call(`GET /api/v1/admin/alerts/${id}`, undefined);
    const there = await page.evaluate<string>(`new Date('${until}').toISOString()`);
    expect((alert as Record<string, unknown>)['snoozed_until']).toBe(there);
    await call(`POST /api/v1/admin/alerts/${id}/resolve`, {});
  });

  it('lists what comes for the keys in the order of the days that are left', async () => {
    await call('PUT /api/v1/admin/providers/openrouter/key-policy', { due_days: 5, overdue_days: 60 });
    const page = await open('/health/dates');
    const due = page.getByRole('row', { name: /OpenRouter.*Rotation due/ });
    await due.getByText('in 5 days').waitFor();
    await due.getByText('keyward keys rotate openrouter').waitFor();
    await page.getByRole('row', { name: /OpenRouter.*Rotation overdue.*Nothing yet/ }).waitFor();
    const words = await page.getByText(/^in \d+ days$/).allInnerTexts();
    expect(words).toEqual(['in 5 days', 'in 60 days']);
    await call('PUT /api/v1/admin/providers/openrouter/key-policy', { due_days: null, overdue_days: null });
  });

  it('adds a channel whose secrets go in and never come out, tests it, changes it, and deletes it', async () => {
    const page = await open('/health/channels');
    await page.getByText('There is no channel yet').waitFor();
    await page.getByRole('button', { name: 'Add a channel' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a channel' });
    await dialog.getByLabel('Name', { exact: true }).fill('on call');
    await dialog.getByRole('combobox', { name: 'Kind', exact: true }).click();
    await page.getByRole('option', { name: 'Signed webhook' }).click();
    await dialog.getByLabel('Address', { exact: true }).fill('https://169.254.169.254/x');
    await dialog.getByLabel('Signing secret', { exact: true }).fill(webhookSecret);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByText('Nothing was changed', { exact: false }).waitFor();
    await expectAccessible(page);
    await dialog.getByLabel('Address', { exact: true }).fill(receiver.url);
    await dialog.getByLabel('Quiet hours').check();
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    const row = page.getByRole('row', { name: /on call/ });
    await row.getByText('22:00 to 07:00 UTC, but for critical ones').waitFor();
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.documentElement.outerHTML])',
    );
    expect(kept).not.toContain(webhookSecret);
    expect(kept).not.toContain(receiver.url);

    await row.getByRole('button', { name: 'Send a test to on call' }).click();
    await page.getByText('The test reached on call').waitFor();
    expect(receiver.received.at(-1)?.body).toContain('"alert.test"');
    receiver.answer = (response) => response.writeHead(500).end('broken');
    await row.getByRole('button', { name: 'Send a test to on call' }).click();
    const told = page.getByRole('alert').filter({ hasText: 'The test did not reach on call' });
    await told.getByRole('button', { name: 'Close' }).click();
    await told.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'on call' }).click();
    await page.getByRole('row', { name: /Test.*Given up.*It answered 500: broken/ }).waitFor();

    await page.getByRole('button', { name: 'Change on call' }).click();
    const change = page.getByRole('dialog', { name: 'Change on call' });
    await change.getByText(`${new URL(receiver.url).origin}/••••`).waitFor();
    await change.getByRole('combobox', { name: 'Takes' }).click();
    await page.getByRole('option', { name: 'Critical ones only' }).click();
    await change.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Critical only').waitFor();
    receiver.answer = (response) => response.writeHead(204).end();
    await call('POST /api/v1/admin/alert-channels/1/test', {});

    await page.getByRole('button', { name: 'Delete on call' }).click();
    const gone = page.getByRole('dialog', { name: 'Delete the channel on call' });
    const confirm = gone.getByRole('button', { name: 'Delete the channel' });
    expect(await confirm.isDisabled()).toBe(true);
    await gone.getByLabel(/to go on/).fill('on call');
    await confirm.click();
    await page.getByText('There is no channel yet').waitFor();
  });

  it('takes a channel of each other kind; what of mail is no secret is there to be changed', async () => {
    const page = await open('/health/channels');
    const add = async (kind: string, fill: (label: string, text: string) => Promise<void>) => {
      await page.getByRole('button', { name: 'Add a channel' }).click();
      const dialog = page.getByRole('dialog', { name: 'Add a channel' });
      await dialog.getByLabel('Name', { exact: true }).fill(`by ${kind}`);
      await dialog.getByRole('combobox', { name: 'Kind', exact: true }).click();
      await page.getByRole('option', { name: kind }).click();
      await fill('', '');
      await dialog.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByRole('row', { name: new RegExp(`by ${kind}`) }).waitFor();
    };
    const fill = async (label: string, text: string): Promise<void> =>
      page.getByRole('dialog').getByLabel(label, { exact: true }).fill(text);
    await add('Slack', async () => fill('Address', 'https://hooks.slack.com/services/planted'));
    await add('Microsoft Teams', async () => fill('Address', 'https://example.com/a-workflow'));
    await add('Log of the server', async () => undefined);
    await add('Mail', async () => {
      await fill('SMTP server', 'smtp.example.com');
      await fill('User name', 'keyward');
      await fill('Password', ['planted', 'password'].join('-'));
      await fill('Sender', 'keyward@example.com');
      await fill('Receivers', 'one@example.com, two@example.com');
    });
    await page.getByText('one@example.com, two@example.com by smtp.example.com:587').waitFor();
    await page.getByRole('button', { name: 'Change by Mail' }).click();
    const dialog = page.getByRole('dialog', { name: 'Change by Mail' });
    await dialog.getByRole('button', { name: 'Replace the settings' }).click();
    expect(await dialog.getByLabel('SMTP server').inputValue()).toBe('smtp.example.com');
    expect(await dialog.getByLabel('Password', { exact: true }).inputValue()).toBe('');
    await expectAccessible(page);
  });

  it('sets a policy in the order of its days, and puts an age off with a reason', async () => {
    const page = await open('/health/policies?q=openrouter');
    const row = page.getByRole('row', { name: /OpenRouter/ });
    await page.getByRole('button', { name: 'Change the policy of OpenRouter' }).click();
    const dialog = page.getByRole('dialog', { name: 'The policy of OpenRouter' });
    await dialog.getByLabel('Ageing after').fill('100');
    await dialog.getByLabel('Due after', { exact: true }).fill('50');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').or(dialog.locator('[class*="Input-error"]')).first().waitFor();
    await dialog.getByLabel('Ageing after').fill('40');
    await dialog.getByLabel('Owner').fill('the platform team');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await row.getByText('the platform team').waitFor();
    await row.getByRole('cell', { name: '50', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Put off the age of OpenRouter' }).click();
    const snooze = page.getByRole('dialog', { name: /Put off the age/ });
    const confirm = snooze.getByRole('button', { name: 'Put it off' });
    expect(await confirm.isDisabled()).toBe(true);
    await expectAccessible(page);
    await snooze.getByLabel('Reason').fill('its provider is closing');
    await confirm.click();
    await row.getByText('its provider is closing').waitFor();
    await page.getByRole('button', { name: 'Put off the age of OpenRouter' }).click();
    await snooze.getByLabel('No longer: it warns again').check();
    await snooze.getByRole('button', { name: 'Let it warn again' }).click();
    await row.getByText('its provider is closing').waitFor({ state: 'detached' });
  });

  it('overwrites no policy that somebody else has changed meanwhile', async () => {
    const page = await open('/health/policies?q=openrouter');
    await page.getByRole('button', { name: 'Change the policy of OpenRouter' }).click();
    const dialog = page.getByRole('dialog', { name: 'The policy of OpenRouter' });
    const owner = dialog.getByLabel('Owner');
    await owner.fill('the second to write');
    await call('PUT /api/v1/admin/providers/openrouter/key-policy', { owner: 'the first to write' });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('Somebody has changed this provider meanwhile').waitFor();
    await expectAccessible(page);
    expect(await call('GET /api/v1/admin/providers/openrouter/key-policy', undefined)).toMatchObject({
      owner: 'the first to write',
    });
    await dialog.getByRole('button', { name: 'Read again' }).click();
    await expect.poll(async () => owner.inputValue()).toBe('the first to write');
    await owner.fill('both of us');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('row', { name: /OpenRouter/ })
      .getByText('both of us')
      .waitFor();
    await call('PUT /api/v1/admin/providers/openrouter/key-policy', { owner: null });
  });

  it('takes the chat of one token into a policy, and out of it', async () => {
    const page = await open('/health/policies?q=openrouter');
    const change = page.getByRole('button', { name: 'Change the policy of OpenRouter' });
    const dialog = page.getByRole('dialog', { name: 'The policy of OpenRouter' });
    const probe = dialog.getByRole('switch', { name: 'The daily test also makes a chat of one token' });
    const stored = async (): Promise<unknown> =>
      (await call('GET /api/v1/admin/providers/openrouter/key-policy', undefined))['probe'];
    await change.click();
    await probe.check({ force: true });
    await dialog.getByRole('textbox', { name: 'Model' }).fill('some/model');
    await dialog.getByLabel('Calls a month').fill('40');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.locator('[class*="Input-error"]').or(dialog.getByRole('alert')).first().waitFor();
    await dialog.getByLabel('Calls a month').fill('12');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await stored()).toMatchObject({ model: 'some/model', monthly_calls: 12 });
    await change.click();
    await dialog.getByText('None was made yet').waitFor();
    expect(await dialog.getByRole('textbox', { name: 'Model' }).inputValue()).toBe('some/model');
    await probe.uncheck({ force: true });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await stored()).toBeNull();
  });

  it('lets a viewer look at everything and change nothing', async () => {
    const id = await plantAlert('Seen by a viewer.');
    const page = await open('/health', await world.makeToken('viewer'));
    const tab = async (name: string): Promise<void> => page.getByRole('tab', { name, exact: true }).click();
    await tab('Daily tests');
    expect(await page.getByRole('button', { name: 'Run them now' }).isDisabled()).toBe(true);
    await tab('Channels');
    expect(await page.getByRole('button', { name: 'Add a channel' }).isDisabled()).toBe(true);
    for (const name of [/^Send a test/, /^Change/, /^Delete/])
      expect(await page.getByRole('button', { name }).first().isDisabled()).toBe(true);
    await tab('Policies');
    expect(
      await page
        .getByRole('button', { name: /^Change the policy/ })
        .first()
        .isDisabled(),
    ).toBe(true);
    await tab('Alerts');
    await page.getByRole('link', { name: 'Seen by a viewer.' }).click();
    await page.waitForURL(`**/health/alerts/${id}`);
    for (const name of ['Acknowledge', 'Snooze', 'Resolve'])
      expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
  });

  it('says what cannot be read, and reads it again', async () => {
    await world.keyward.sql('ALTER TABLE keyward_alert_channels RENAME TO keyward_alert_channels_away');
    const page = await open('/health/channels');
    await page.getByText('The channels cannot be read').waitFor();
    await world.keyward.sql('ALTER TABLE keyward_alert_channels_away RENAME TO keyward_alert_channels');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('row', { name: /by Slack/ }).waitFor();
  });

  it.each(looks)(
    'axe-core finds nothing on any tab: %s, %i px; nothing has to be scrolled sideways',
    async (colorScheme, width) => {
      const page = await signedIn(world.url, adminToken, '/health', { colorScheme, width });
      const tabs = [
        ['Now', /OpenRouter/],
        ['Alerts', /Seen by a viewer/],
        ['Daily tests', /OpenRouter/],
        ['Ages and dates', /OpenRouter/],
        ['Channels', /by Slack/],
        ['Policies', /OpenRouter/],
      ] as const;
      for (const [name, row] of tabs) {
        await page.getByRole('tab', { name, exact: true }).click();
        await page.getByRole('row', { name: row }).first().waitFor();
        await expectAccessible(page);
        expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBeLessThanOrEqual(width);
      }
      await page.getByRole('tab', { name: 'Alerts', exact: true }).click();
      await page.getByRole('link', { name: 'Seen by a viewer.' }).click();
      await page.getByText('What mends it').waitFor();
      await expectAccessible(page);
    },
    60_000,
  );
});
