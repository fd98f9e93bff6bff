/** `keyward keys management …` and `keys schedule …`: keys that a provider makes and revokes by API, and when that is due. */
import { UsageError } from '../foundation/errors.ts';
import { findProvider as findListed, type ListedProvider } from '../keys/list-providers.ts';
import { enterManagement } from '../keys/rotation/enter-management.ts';
import { readManagement, removeManagement } from '../keys/rotation/management-store.ts';
import { findSchedule, removeSchedule, setSchedule, type Schedule } from '../keys/rotation/schedule-store.ts';
import { sweepProvider } from '../keys/rotation/sweep-keys.ts';
import { viewManagement, viewSchedule } from '../keys/rotation/view-automation.ts';
import type { Installation } from '../installation.ts';
import { rotationParts } from './keys-rotation.ts';
import { confirmed } from './confirm.ts';
import { readKey } from './read-key.ts';
import { counted, print, printJson, remark } from './terminal.ts';
import { timeOfDay, windowIn } from './window-in.ts';
import { reasonedOccasion, findProvider, withInstallation } from './with-installation.ts';

export type ManagementAct = 'show' | 'set' | 'remove' | 'sweep';

export interface ManagementOptions {
  readonly file?: string;
  readonly baseUrl?: string;
  readonly parameter?: readonly string[];
  /** Seconds. */
  readonly grace?: number;
  readonly force?: true;
  readonly yes?: true;
  readonly reason?: string;
  readonly json?: true;
}

const removalUnasked = 'Removing the credential asks first, and this is no terminal. Say --yes to go on.';
const defaultGraceSeconds = 300;

/** @returns the exit code: 0 done, 1 not confirmed, or a sweep could not do all that was to be done */
export async function actOnManagement(
  act: ManagementAct,
  slug: string,
  options: ManagementOptions,
): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await requireListed(installation, slug);
    const parts = rotationParts(installation);
    const occasion = await reasonedOccasion(installation, options.reason);
    if (act === 'set') {
      const credential = await readKey(`Management credential of ${slug}`, options.file);
      const parameters = parametersIn(options.parameter ?? []);
      const { baseUrl, force } = options;
      const said = await enterManagement(parts, occasion, slug, { credential, baseUrl, parameters, force });
      say(
        options,
        { provider: slug, stored: true, said },
        `Stored the management credential of ${slug}, encrypted. ${said}`,
      );
    } else if (act === 'remove') {
      const question = `Remove the management credential of ${slug}? Keyward makes and revokes no keys there then.`;
      if (!options.yes && !(await confirmed(question, removalUnasked))) {
        remark('Nothing was changed.');
        return 1;
      }
      const done = await removeManagement(parts, occasion, slug, { force: options.force });
      say(options, { provider: slug, ...done }, done.removed ? `Removed it.` : `None was stored.`);
      if (done.left.length > 0) remark(`Revoke them at the provider by hand: ${done.left.join(', ')}.`);
    } else if (act === 'sweep') {
      const graceSeconds = options.grace ?? defaultGraceSeconds;
      const report = await sweepProvider(parts, occasion, row, { graceSeconds, isAsked: true });
      if (report === null) throw new UsageError(`No management credential of ${slug} is stored.`);
      if (options.json) printJson({ provider: slug, ...report });
      else {
        for (const [what, names] of Object.entries(report) as [string, readonly string[]][])
          print(`${what.padEnd(10)} ${names.length === 0 ? '-' : names.join(', ')}`);
      }
      return report.failures.length === 0 ? 0 : 1;
    } else await show(installation, row, options);
    return 0;
  });
}

async function show(
  { database }: Installation,
  { id, provider_slug: slug }: ListedProvider,
  options: ManagementOptions,
): Promise<void> {
  const stored = await readManagement(database.kysely, id);
  const view = viewManagement(slug, stored);
  const { needs } = view;
  const held =
    stored === undefined ? 'no credential is stored' : `credential ${stored.mask} (${stored.fingerprint})`;
  say(
    options,
    { provider: slug, ...view },
    `${slug}: ${view.automation}, ${held}.${needs === null ? '' : ` It takes ${needs}.`}`,
  );
  if (!options.json)
    for (const [name, what] of Object.entries(view.parameters_needed))
      print(`  --parameter ${name}=… ${what}`);
}

/** `project=proj_1` */
function parametersIn(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([a-z]{1,40})=(.{1,200})$/.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new UsageError('--parameter is name=value, for example project=proj_1.', { exitCode: 2 });
      return [name, value] as const;
    }),
  );
}

export interface ScheduleOptions {
  readonly everyDays?: number;
  readonly beforeExpiryDays?: number;
  readonly jitter?: number;
  readonly window?: string;
  readonly remove?: true;
  readonly reason?: string;
  readonly json?: true;
}

const defaultJitterMinutes = 60;

/** Shows, sets or removes the schedule of a provider. */
export async function actOnSchedule(slug: string, options: ScheduleOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { id } = await requireListed(installation, slug);
    const parts = rotationParts(installation);
    const occasion = await reasonedOccasion(installation, options.reason);
    if (options.remove) {
      const removed = await removeSchedule(parts, occasion, slug);
      say(options, { provider: slug, removed }, removed ? 'Removed the schedule.' : 'There was none.');
      return;
    }
    const { everyDays = null, beforeExpiryDays = null, jitter = defaultJitterMinutes } = options;
    const isSet = everyDays !== null || beforeExpiryDays !== null;
    if (!isSet && (options.window !== undefined || options.jitter !== undefined))
      throw new UsageError(
        'Say with --every-days or --before-expiry-days when it is due: the whole schedule is set at once.',
        { exitCode: 2 },
      );
    const schedule = isSet
      ? await setSchedule(parts, occasion, slug, {
          everyDays,
          beforeExpiryDays,
          jitterMinutes: jitter,
          window: options.window === undefined ? null : windowIn(options.window, '--window'),
        })
      : await findSchedule(installation.database.kysely, id);
    if (schedule === undefined) return say(options, null, `${slug} has no schedule.`);
    say(options, { provider: slug, ...viewSchedule(schedule) }, scheduleInWords(slug, schedule));
    if ((await readManagement(installation.database.kysely, id)) === undefined)
      remark(
        `No management credential is stored, so no key can be made. Store it: keyward keys management set ${slug}`,
      );
  });
}

/** `openrouter: 90 days after the key came, up to 60 min later, between 02:00 and 04:00 UTC; next: …` */
function scheduleInWords(slug: string, schedule: Schedule): string {
  const { every_days: every, before_expiry_days: before, jitter_minutes: jitter } = schedule;
  const { window_from: from, window_to: to, stopped_because: stopped } = schedule;
  const when = [
    ...(every === null ? [] : [`${counted(every, 'day')} after the key came`]),
    ...(before === null ? [] : [`${counted(before, 'day')} before it ends`]),
  ].join(' or ');
  const window =
    from === null || to === null || from === to
      ? 'at any time'
      : `from ${timeOfDay(from)} to ${timeOfDay(to)} UTC`;
  const next =
    stopped === null
      ? `next: ${schedule.next_at?.toISOString() ?? 'not reckoned yet'}.`
      : `it has STOPPED: ${stopped} Set it again to go on.`;
  return `${slug}: ${when}, up to ${jitter} min later, ${window}; ${next}`;
}

async function requireListed(installation: Installation, slug: string): Promise<ListedProvider> {
  await findProvider(installation, slug);
  const row = await findListed(installation.database.kysely, slug);
  if (row === undefined) throw new UsageError(`There is no provider "${slug}".`, { exitCode: 2 });
  return row;
}

function say({ json }: { readonly json?: true }, value: unknown, sentence: string): void {
  if (json) printJson(value);
  else print(sentence);
}
