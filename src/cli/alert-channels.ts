/** `keyward alerts channels …` and `alerts test`: where alerts are sent, and whether that works. */
import { randomUUID } from 'node:crypto';
import {
  changeChannel,
  createChannel,
  deleteChannel,
  findChannel,
  longestChannelName,
  readChannels,
  type AlertChannel,
  type ChannelFields,
} from '../alerts/channel-store.ts';
import { settingsFields, type ChannelKind, type SettingsFields } from '../alerts/channel-settings.ts';
import { alertKinds, type Severity } from '../alerts/condition.ts';
import { shownName } from '../alerts/refuse-secrets.ts';
import { channelRules, type QuietHours } from '../alerts/routing.ts';
import { testChannel } from '../alerts/test-channel.ts';
import { viewChannel, viewDelivery, type ChannelView } from '../alerts/view-alert.ts';
import { UsageError } from '../foundation/errors.ts';
import { createLogger } from '../foundation/logger.ts';
import { plainLine, visible } from '../foundation/visible-text.ts';
import type { Installation } from '../installation.ts';
import { refuseForeignRing } from '../keys/foreign-ring.ts';
import { refuseUnknownProviders } from '../keys/list-providers.ts';
import { redactSecrets } from '../providers/redact.ts';
import { confirmed } from './confirm.ts';
import { readKey } from './read-key.ts';
import { print, printJson, remark, table } from './terminal.ts';
import { timeOfDay, windowIn } from './window-in.ts';
import { refuseSecretsIn, reasonedOccasion, withInstallation } from './with-installation.ts';

export interface ChannelOptions {
  readonly name?: string;
  readonly settings?: true;
  readonly file?: string;
  readonly minSeverity?: Severity;
  readonly quietMinSeverity?: Severity;
  readonly kinds?: readonly string[];
  readonly providers?: readonly string[];
  /** False: none any more. */
  readonly quiet?: string | false;
  readonly on?: true;
  readonly off?: true;
  readonly yes?: true;
  readonly reason?: string;
  readonly json?: true;
}

export async function printChannels({ json }: { json?: true }): Promise<void> {
  await withInstallation(async ({ database, keyRing }) => {
    const channels = (await readChannels(database.kysely)).map((one) => viewChannel(one, keyRing.ring));
    if (json) return printJson({ channels });
    const rows = channels.map((channel) => [
      String(channel.id),
      visible(channel.name),
      channel.kind,
      channel.is_active ? 'on' : 'off',
      channel.rules.min_severity,
      quietText(channel.quiet_hours),
      visible(whereTo(channel)),
    ]);
    for (const line of table([['ID', 'NAME', 'KIND', 'STATE', 'FROM', 'QUIET (UTC)', 'TO'], ...rows]))
      print(line);
    if (rows.length === 0)
      remark('Alerts are sent nowhere. Add a channel: keyward alerts channels add --help');
  });
}

function whereTo({ kind, settings }: ChannelView): string {
  if (settings === null) return 'unreadable: enter its settings again';
  if (kind === 'log') return 'the log of the server';
  return kind === 'email' ? (settings.to ?? []).join(', ') : (settings.url ?? '');
}

function quietText(quiet: QuietHours | null): string {
  if (quiet === null) return '-';
  return `${timeOfDay(quiet.from)}-${timeOfDay(quiet.to)}`;
}

export async function addChannel(name: string, kind: ChannelKind, options: ChannelOptions): Promise<void> {
  checkName(name);
  await withInstallation(async (installation) => {
    await refuseSecretsIn(installation, shownName(name));
    await refuseForeignRing(installation.database, installation.keyRing.ring, installation.keyRing.from);
    const rules = fieldsIn(options);
    await refuseNewProviders(installation, options.providers);
    const settings = kind === 'log' ? {} : await readSettingsOf(name, options.file);
    const fields = { ...rules, name, kind, settings };
    tell(
      installation,
      await createChannel(
        partsOf(installation),
        await reasonedOccasion(installation, options.reason),
        fields,
      ),
      options,
      'Added',
    );
  });
}

export async function changeOneChannel(which: string, options: ChannelOptions): Promise<void> {
  if (options.name !== undefined) checkName(options.name);
  await withInstallation(async (installation) => {
    await refuseSecretsIn(installation, shownName(options.name));
    const channel = await requireChannel(installation, which);
    const rules = fieldsIn(options, channel);
    await refuseNewProviders(installation, options.providers, channel);
    const entersSettings = options.settings === true || options.file !== undefined;
    if (entersSettings)
      await refuseForeignRing(installation.database, installation.keyRing.ring, installation.keyRing.from);
    const fields = {
      ...rules,
      ...(options.name !== undefined && { name: options.name }),
      ...(entersSettings && { settings: await readSettingsOf(channel.name, options.file) }),
    };
    const occasion = await reasonedOccasion(installation, options.reason);
    tell(
      installation,
      await changeChannel(partsOf(installation), occasion, channel.id, fields),
      options,
      'Changed',
    );
  });
}

/** @returns the exit code: 0 deleted, 1 not confirmed */
export async function removeChannel(which: string, options: ChannelOptions): Promise<number> {
  return withInstallation(async (installation) => {
    const { id, name } = await requireChannel(installation, which);
    const unasked = 'Deleting a channel asks first, and this is no terminal. Say --yes to go on.';
    if (
      !options.yes &&
      !(await confirmed(`Delete the channel ${visible(name)}? Alerts are not sent there any more.`, unasked))
    ) {
      remark('Nothing was changed.');
      return 1;
    }
    await deleteChannel(partsOf(installation), await reasonedOccasion(installation, options.reason), id);
    if (options.json) printJson({ id, deleted: true });
    else print(`Deleted the channel ${visible(name)}.`);
    return 0;
  });
}

/** @returns the exit code: 0 every message was delivered, 1 not */
export async function testChannels(which: string | undefined, options: ChannelOptions): Promise<number> {
  return withInstallation(async (installation) => {
    const { database, audit, keyRing, clock, config } = installation;
    const channels =
      which === undefined ? await readChannels(database.kysely) : [await requireChannel(installation, which)];
    if (channels.length === 0)
      throw new UsageError('There is no channel. Add one: keyward alerts channels add --help');
    const log = createLogger({ ...config.log, scrub: (line) => redactSecrets(line, []) });
    const parts = {
      db: database.kysely,
      audit,
      ring: keyRing.ring,
      clock,
      config,
      log,
      instanceId: randomUUID(),
    };
    const results: object[] = [];
    let allDelivered = true;
    for (const { id, name } of channels) {
      const delivery = viewDelivery(
        await testChannel(parts, await reasonedOccasion(installation, options.reason), id),
      );
      results.push({ channel: name, ...delivery });
      if (delivery.state !== 'delivered') allDelivered = false;
      if (!options.json)
        print(
          `${visible(name)}: ${delivery.state}${delivery.last_error === null ? '' : `. ${visible(delivery.last_error)}`}`,
        );
    }
    if (options.json) printJson({ deliveries: results });
    else if (channels.some(({ kind }) => kind === 'log'))
      remark(
        'A log channel writes where its process logs: this test stands above, on standard error; alerts, and a test from the page or the API, stand in the log of the server.',
      );
    return allDelivered ? 0 : 1;
  });
}

function checkName(name: string): void {
  if (name.trim() === '' || name.length > longestChannelName || !plainLine.test(name))
    throw new UsageError(
      `A name has 1 to ${longestChannelName} characters on one line, and none that turn the direction of text.`,
      { exitCode: 2 },
    );
}

/** As JSON, or the bare address of Slack or Teams. */
async function readSettingsOf(name: string, file: string | undefined): Promise<SettingsFields> {
  const typed = await readKey(`Settings of the channel ${name}`, file);
  const read = parseSettings(typed);
  if (read === undefined)
    throw new UsageError(
      'The settings are neither an address nor a JSON object of known fields: keyward alerts channels add --help. Nothing was changed.',
      { exitCode: 2 },
    );
  return read;
}

function parseSettings(secret: { reveal(): string }): SettingsFields | undefined {
  const text = secret.reveal();
  if (/^https?:\/\/\S+$/.test(text)) return { url: text };
  try {
    const parsed = settingsFields.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function fieldsIn(options: ChannelOptions, before?: AlertChannel): ChannelFields {
  const { minSeverity, quietMinSeverity, kinds, providers, quiet, on, off } = options;
  const entered = {
    ...(minSeverity !== undefined && { min_severity: minSeverity }),
    ...(quietMinSeverity !== undefined && { quiet_min_severity: quietMinSeverity }),
    ...(kinds !== undefined && { kinds: [...kinds] }),
    ...(providers !== undefined && { providers: [...providers] }),
  };
  const rules = channelRules.safeParse(entered);
  if (!rules.success)
    throw new UsageError(
      `--providers holds slugs of providers, --kinds kinds of alerts: ${Object.keys(alertKinds).join(', ')}.`,
      { exitCode: 2 },
    );
  return {
    ...(Object.keys(entered).length > 0 && { rules: { ...rules.data, ...before?.rules, ...entered } }),
    ...(quiet === false && { quiet: null }),
    ...(typeof quiet === 'string' && { quiet: windowIn(quiet, '--quiet') }),
    ...(on && { isActive: true }),
    ...(off && { isActive: false }),
  };
}

/** One that stands there and was deleted since may stay. */
async function refuseNewProviders(
  { database }: Installation,
  slugs: readonly string[] = [],
  before?: AlertChannel,
): Promise<void> {
  const entered = slugs.filter((slug) => !before?.rules.providers.includes(slug));
  await refuseUnknownProviders(database.kysely, entered, '--providers');
}

/** @throws UsageError that says which there are */
async function requireChannel({ database }: Installation, which: string): Promise<AlertChannel> {
  const byName = await findChannel(database.kysely, { name: which });
  if (byName !== undefined) return byName;
  const byId = /^\d{1,9}$/.test(which)
    ? await findChannel(database.kysely, { id: Number(which) })
    : undefined;
  if (byId !== undefined) return byId;
  throw new UsageError(
    `There is no channel "${visible(which)}". Those there are: keyward alerts channels list`,
    { exitCode: 2 },
  );
}

function partsOf({ audit, keyRing, clock, config }: Installation) {
  return { audit, ring: keyRing.ring, clock, config };
}

function tell(
  { keyRing }: Installation,
  channel: AlertChannel,
  { json }: ChannelOptions,
  done: string,
): void {
  if (json) return printJson({ channel: viewChannel(channel, keyRing.ring) });
  print(`${done} the channel ${visible(channel.name)} (number ${channel.id}, ${channel.kind}).`);
  remark(`See whether it works: keyward alerts test ${channel.id}`);
}
