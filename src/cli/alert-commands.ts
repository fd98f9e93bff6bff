/** The commands of alerts and of their channels, and how they are called. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { channelKinds } from '../alerts/channel-settings.ts';
import { severities } from '../alerts/condition.ts';
import type { AlertActName, AlertActOptions, AlertListOptions } from './alerts.ts';
import type { ChannelOptions } from './alert-channels.ts';
import { duration, json, reason, wholeNumber, type Settle } from './command-options.ts';

const actDescriptions: Readonly<Record<AlertActName, string>> = {
  ack: 'see to an alert: no more reminders while it is open',
  snooze: 'put an alert off: nobody is told of it until then',
  resolve: 'declare an alert over; where its cause is still there, it comes back',
};

export function addAlerts(program: Command, settle: Settle): void {
  const alerts = program
    .command('alerts')
    .description('what is wrong, who is told of it, and who sees to it');
  alerts
    .command('list')
    .description('the open alerts, newest first')
    .option('--all', 'those that are over too')
    .addOption(new Option('--severity <severity>', 'only of this severity').choices(severities))
    .option('--provider <slug>', 'only of this provider')
    .option('--limit <number>', 'how many at most', wholeNumber, 50)
    .addOption(json())
    .action(async (options: AlertListOptions) => {
      const { printAlerts } = await import('./alerts.ts');
      await printAlerts(options);
    });
  alerts
    .command('show')
    .description('one alert, with what was sent of it')
    .argument('<id>', 'number as alerts list shows it', wholeNumber)
    .addOption(json())
    .action(async (id: number, options: { json?: true }) => {
      const { showAlert } = await import('./alerts.ts');
      await showAlert(String(id), options);
    });
  for (const act of Object.keys(actDescriptions) as AlertActName[]) {
    const command = alerts
      .command(act)
      .description(actDescriptions[act])
      .argument('<id>', 'number as alerts list shows it', wholeNumber);
    if (act === 'snooze')
      command.addOption(
        new Option('--for <span>', 'how long: 30m, 8h, 3d; 90d at most')
          .argParser(duration)
          .makeOptionMandatory(),
      );
    command
      .addOption(reason())
      .addOption(json())
      .action(async (id: number, options: AlertActOptions) => {
        const { actOnAlert } = await import('./alerts.ts');
        await actOnAlert(act, String(id), options);
      });
  }
  alerts
    .command('test')
    .description('send a test message over a channel, now and once; over all of them where none is named')
    .argument('[channel]', 'its name or number')
    .addOption(reason())
    .addOption(json())
    .addHelpText(
      'after',
      '\nA log channel is tested into the log of this command, on standard error, not into that of the server.\nExit code: 0 every message was delivered, 1 not.',
    )
    .action(async (channel: string | undefined, options: ChannelOptions) => {
      const { testChannels } = await import('./alert-channels.ts');
      settle(await testChannels(channel, options));
    });
  addChannels(alerts, settle);
}

const settingsHelp = `
Settings are one JSON object, read from --file or standard input, or asked for without echo:
  slack, teams  {"url": "https://…"}, or just the address
  webhook       {"url": "https://…", "secret": "whsec_…"}: 24 to 64 bytes in base64
  email         {"host": "smtp.example.com", "security": "starttls", "username": "…", "password": "…",
                 "from": "keyward@example.com", "to": ["ops@example.com"]}
  log           none`;

function addChannels(alerts: Command, settle: Settle): void {
  const channels = alerts.command('channels').description('where alerts are sent');
  channels
    .command('list')
    .description('all channels, without what is secret')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { printChannels } = await import('./alert-channels.ts');
      await printChannels(options);
    });
  routed(channels.command('add').description('add a channel'))
    .argument('<name>', 'what to call it')
    .addArgument(channels.createArgument('<kind>', 'what it is').choices(channelKinds))
    .option('--file <path>', 'read its settings from this file')
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', settingsHelp)
    .action(async (name: string, kind: (typeof channelKinds)[number], options: ChannelOptions) => {
      const { addChannel } = await import('./alert-channels.ts');
      await addChannel(name, kind, options);
    });
  routed(channels.command('change').description('change a channel; what is not named stays'))
    .argument('<channel>', 'its name or number')
    .option('--name <name>', 'call it so from now on')
    .option('--settings', 'enter its settings anew, all of them')
    .option('--file <path>', 'read its settings from this file')
    .option('--no-quiet', 'no quiet hours any more')
    .option('--on', 'send there again')
    .addOption(new Option('--off', 'send nothing there').conflicts('on'))
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', settingsHelp)
    .action(async (channel: string, options: ChannelOptions) => {
      const { changeOneChannel } = await import('./alert-channels.ts');
      await changeOneChannel(channel, options);
    });
  channels
    .command('remove')
    .description('delete a channel, and what is known of its deliveries')
    .argument('<channel>', 'its name or number')
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .action(async (channel: string, options: ChannelOptions) => {
      const { removeChannel } = await import('./alert-channels.ts');
      settle(await removeChannel(channel, options));
    });
}

function routed(command: Command): Command {
  return command
    .addOption(
      new Option('--min-severity <severity>', 'what is less bad is not sent (new: warning)').choices(
        severities,
      ),
    )
    .option('--kinds <kinds>', 'only alerts of these kinds, comma-separated', commaSeparated)
    .option(
      '--providers <slugs>',
      'only alerts of these providers, comma-separated, and of no single one',
      commaSeparated,
    )
    .option('--quiet <from-to>', 'quiet hours in UTC, as 22:00-07:00')
    .addOption(
      new Option(
        '--quiet-min-severity <severity>',
        'what is so bad is sent then too (new: critical)',
      ).choices(severities),
    );
}

function commaSeparated(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  if (names.length > 0) return names;
  throw new InvalidArgumentError('It must name at least one.');
}
