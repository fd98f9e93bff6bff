/** `keyward alerts`: what is wrong, who sees to it, and channels whose settings are entered and never shown. */
import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { commandLine, encryptionKey } from '../support/command-line.ts';
import { HttpReceiver } from '../support/receivers.ts';

const secret = ['whsec', Buffer.from('a-secret-of-the-tests-that-is-long').toString('base64')].join('_');

describe('alerts', { timeout: 120_000 }, () => {
  it('have channels, which are tested, changed and removed', async () => {
    const { run, environment } = await commandLine();
    const receiver = await new HttpReceiver().listen();
    const file = join(await mkdtemp(join(tmpdir(), 'keyward-test-')), 'settings.json');
    writeFileSync(file, JSON.stringify({ url: receiver.url, secret }));
    expect((await run('alerts channels list')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels list
      ID  NAME  KIND  STATE  FROM  QUIET (UTC)  TO
      ! Alerts are sent nowhere. Add a channel: keyward alerts channels add --help
      "
    `);
    expect(
      (
        await run(`alerts channels add on-call webhook --file ${file} --quiet 22:00-07:00`)
      ).transcript.replace(file, 'FILE'),
    ).toMatchInlineSnapshot(`
      "$ keyward alerts channels add on-call webhook --file FILE --quiet 22:00-07:00
      Added the channel on-call (number 1, webhook).
      ! See whether it works: keyward alerts test 1
      "
    `);
    expect((await run('alerts channels add on-call log')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels add on-call log
      ! keyward: There is a channel of this name already. Nothing was changed.
      (exit code 1)
      "
    `);
    expect((await run('alerts test on-call')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts test on-call
      on-call: delivered
      "
    `);
    expect(receiver.received.at(-1)?.body).toContain('"alert.test"');
    await run(`keys source groq hybrid --reason see-${receiver.url}`);
    expect((await run('audit list --limit 1 --json')).json).toMatchObject({
      events: [{ action: 'provider.source_changed', reason: 'see-[redacted]' }],
    });
    const own = [environment['KEYWARD_ADMIN_TOKEN'], encryptionKey].join('+');
    await run(`keys source groq database --reason ${own}`);
    expect((await run('audit list --limit 1 --json')).json).toMatchObject({
      events: [{ action: 'provider.source_changed', reason: '[redacted]+[redacted]' }],
    });
    receiver.answer = (response) => response.writeHead(500).end('broken');
    expect((await run('alerts test 1')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts test 1
      on-call: failed. It answered 500: broken
      (exit code 1)
      "
    `);
    expect((await run('alerts channels change 1 --kinds key_deed')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels change 1 --kinds key_deed
      ! keyward: --providers holds slugs of providers, --kinds kinds of alerts: key_dead, key_out_of_credit, key_unreadable, provider_unreachable, network, rotation_rolled_back, rotation_schedule_stopped, key_due, key_overdue, key_expires, key_cut_off, encryption_key_age, daily_test_missed, audit_unwritable.
      (exit code 2)
      "
    `);
    expect((await run('alerts channels change 1 --providers groq,grok')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels change 1 --providers groq,grok
      ! keyward: There is no provider "grok". There are: anthropic, cohere, deepseek, fireworks, google, groq, mistral, openai, openrouter, perplexity, together, xai. Nothing was changed.
      (exit code 1)
      "
    `);
    const changed = await run(
      'alerts channels change 1 --name night --min-severity critical --no-quiet --off --json',
    );
    expect(JSON.parse(changed.stdout)).toMatchObject({
      channel: { name: 'night', is_active: false, quiet_hours: null, rules: { min_severity: 'critical' } },
    });
    const list = await run('alerts channels list');
    expect(list.transcript.replaceAll(/:\d{4,5}\//g, ':PORT/').replaceAll(/ +$/gm, ''))
      .toMatchInlineSnapshot(`
      "$ keyward alerts channels list
      ID  NAME   KIND     STATE  FROM      QUIET (UTC)  TO
      1   night  webhook  off    critical  -            http://127.0.0.1:PORT/••••
      "
    `);
    expect(list.stdout + changed.stdout).not.toMatch(/whsec|hook$/m);
    expect((await run('alerts channels remove night')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels remove night
      ! keyward: Deleting a channel asks first, and this is no terminal. Say --yes to go on.
      (exit code 2)
      "
    `);
    expect((await run('alerts channels remove night --yes')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels remove night --yes
      Deleted the channel night.
      "
    `);
    expect((await run('alerts test')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts test
      ! keyward: There is no channel. Add one: keyward alerts channels add --help
      (exit code 1)
      "
    `);
    await receiver.close();
  });

  it('over a log channel are tested into the log of the command, which says so', async () => {
    const { run } = await commandLine();
    await run('alerts channels add the-log log');
    const turned = await run('alerts channels add on\u202ellac log');
    expect(turned.stderr).toContain('none that turn the direction of text');
    const { stdout, stderr } = await run('alerts test');
    expect(stdout).toBe('the-log: delivered\n');
    expect(stderr).toContain('"event":"test"');
    expect(stderr).toContain('this test stands above, on standard error; alerts');
  });

  it('are listed, and those that are not there cannot be seen to', async () => {
    const { run } = await commandLine();
    expect((await run('alerts list')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts list
      ID  SEVERITY  STATE  AGE  WHAT
      ! Nothing is wrong that an alert would say.
      "
    `);
    expect(JSON.parse((await run('alerts list --all --json')).stdout)).toEqual({
      alerts: [],
      has_more: false,
    });
    expect((await run('alerts show 7')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts show 7
      ! keyward: There is no alert 7. The open ones: keyward alerts list
      (exit code 2)
      "
    `);
    expect((await run('alerts ack 7')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts ack 7
      ! keyward: There is no alert 7. The open ones: keyward alerts list
      (exit code 2)
      "
    `);
    expect((await run('alerts snooze 7 --for soon')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts snooze 7 --for soon
      ! error: option '--for <span>' argument 'soon' is invalid. It must be a time like 30m, 8h or 3d.
      ! (keyward --help shows the commands)
      (exit code 2)
      "
    `);
  });

  it('are shown, seen to, put off and declared over', async () => {
    const { run, environment } = await commandLine();
    const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
    await client.connect();
    const details = {
      what: 'The provider refuses the key of groq.',
      provider: 'groq',
      command: 'keyward keys set groq',
    };
    await client.query(
      `INSERT INTO keyward_alerts (cause, kind, severity, details) VALUES ('key_dead:groq', 'key_dead', 'critical', $1)`,
      [JSON.stringify(details)],
    );
    await client.end();
    const steady = ({ transcript }: { transcript: string }): string =>
      transcript.replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:[\d.]+Z)?/g, 'TIME').replaceAll(/\d+ s/g, 'N s');
    expect(steady(await run('alerts list'))).toMatchInlineSnapshot(`
      "$ keyward alerts list
      ID  SEVERITY  STATE  AGE  WHAT
      1   critical  open   N s  The provider refuses the key of groq.
      "
    `);
    expect(steady(await run('alerts ack 1 --reason told'))).toMatchInlineSnapshot(`
      "$ keyward alerts ack 1 --reason told
      Alert 1 is seen to: no more reminders. The provider refuses the key of groq.
      "
    `);
    expect(steady(await run('alerts show 1'))).toMatchInlineSnapshot(`
      "$ keyward alerts show 1
      alert       1, critical, acknowledged
      what        The provider refuses the key of groq.
      provider    groq
      since       TIME
      mend it     keyward keys set groq
      seen to by  root@vm
      reason      told (acknowledged by root@vm at TIME)
      ! Nothing was sent of it: keyward alerts channels list
      "
    `);
    await run('alerts ack 1 --reason asked-again');
    expect(
      steady(await run('alerts show 1'))
        .split('\n')
        .filter((line) => line.startsWith('reason')),
    ).toEqual([
      expect.stringMatching(/^reason {6}asked-again \(acknowledged by \S+ at TIME\)$/),
      expect.stringMatching(/^reason {6}told \(acknowledged by \S+ at TIME\)$/),
    ]);
    expect((await run('alerts snooze 1 --for 91d')).stderr).toBe(
      'keyward: An alert is put off for 90 days at most. Nothing was changed.\n',
    );
    expect(steady(await run('alerts snooze 1 --for 3d'))).toMatchInlineSnapshot(`
      "$ keyward alerts snooze 1 --for 3d
      Alert 1 is put off until TIME UTC. The provider refuses the key of groq.
      "
    `);
    expect(steady(await run('alerts resolve 1'))).toMatchInlineSnapshot(`
      "$ keyward alerts resolve 1
      Alert 1 is over. The provider refuses the key of groq.
      "
    `);
    expect((await run('alerts resolve 1')).transcript).toMatchInlineSnapshot(`
      "$ keyward alerts resolve 1
      ! keyward: The alert is resolved already. Nothing was changed.
      (exit code 1)
      "
    `);
  });

  it('are shown with what was sent of them, by the names of the channels', async () => {
    const { run, environment } = await commandLine();
    await run('alerts channels add night-shift log');
    const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
    await client.connect();
    await client.query(
      `INSERT INTO keyward_alerts (cause, kind, severity, details) VALUES ('key_dead:groq', 'key_dead', 'critical', '{"what": "It is dead."}')`,
    );
    await client.query(
      `INSERT INTO keyward_alert_deliveries (alert_id, channel_id, event, state, attempts) VALUES (1, 1, 'opened', 'delivered', 1)`,
    );
    await client.end();
    expect((await run('alerts show 1')).stdout).toMatch(
      /^MESSAGE +CHANNEL +STATE .*\nopened +night-shift +delivered +1 /m,
    );
  });

  it('go nowhere where nothing is sent, and the refusal repeats no secret', async () => {
    const { run } = await commandLine();
    const refused = await run('alerts channels add hook slack', {
      input: 'https://10.0.0.1/services/planted',
    });
    expect(refused.transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels add hook slack
      ! keyward: url leads to a private network; if that is meant, set allow_private_network. Nothing was changed.
      (exit code 1)
      "
    `);
    const nonsense = await run('alerts channels add hook slack', {
      input: `{"url": 7, "secret": "${secret}"}`,
    });
    expect(nonsense.transcript).toMatchInlineSnapshot(`
      "$ keyward alerts channels add hook slack
      ! keyward: The settings are neither an address nor a JSON object of known fields: keyward alerts channels add --help. Nothing was changed.
      (exit code 2)
      "
    `);
  });
});
