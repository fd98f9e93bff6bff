/** What a channel is, in words; and times of day as people write them. */
import type { AlertChannel } from '../../api/views.ts';
import { wordsOfKind } from './words.ts';
import { timeOfDay } from '../../parts/time-of-day.ts';

export const kindWords: Readonly<Record<AlertChannel['kind'], string>> = {
  email: 'Mail',
  slack: 'Slack',
  teams: 'Microsoft Teams',
  webhook: 'Signed webhook',
  log: 'Log of the server',
};

/** As much of the settings as the server shows. */
export function placeOf({ kind, settings }: AlertChannel): string {
  if (settings === null) return 'cannot be read: its encryption key is not here';
  if (kind === 'log') return 'lines in the log';
  if (kind === 'email')
    return `${settings.to?.join(', ') ?? ''} by ${settings.host ?? ''}:${settings.port ?? ''}`;
  return settings.url ?? '';
}

const fromWords = { info: 'Everything', warning: 'Warnings and worse', critical: 'Critical only' } as const;

export function rulesWords({ rules }: AlertChannel): string {
  const { min_severity: least, kinds, providers } = rules;
  const ofKinds = kinds.length === 0 ? '' : `: ${kinds.map(wordsOfKind).join(', ')}`;
  const ofProviders = providers.length === 0 ? '' : `; of ${providers.join(', ')}`;
  return `${fromWords[least]}${ofKinds}${ofProviders}`;
}

const quietExcept = { info: 'everything', warning: 'warnings', critical: 'critical ones' } as const;

export function quietWords({ quiet_hours: quiet, rules }: AlertChannel): string {
  if (quiet === null) return 'none';
  const { from, to } = quiet;
  return `${timeOfDay(from)} to ${timeOfDay(to)} UTC, but for ${quietExcept[rules.quiet_min_severity]}`;
}
