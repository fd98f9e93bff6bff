/** What the dialog of a channel holds while somebody fills it in, and what of it is sent. */
import type { AlertChannel, ChannelSettings, NewChannel } from '../../api/views.ts';
import { minutesOf, timeOfDay } from '../../parts/time-of-day.ts';

type Severity = AlertChannel['rules']['min_severity'];

export interface ChannelForm {
  readonly name: string;
  readonly kind: AlertChannel['kind'];
  readonly isActive: boolean;
  readonly settings: SettingsForm;
  readonly minSeverity: Severity;
  readonly kinds: readonly string[];
  readonly providers: readonly string[];
  readonly isQuiet: boolean;
  readonly quietFrom: string;
  readonly quietTo: string;
  readonly quietMinSeverity: Severity;
}

export interface SettingsForm {
  readonly url: string;
  readonly secret: string;
  readonly host: string;
  readonly port: string;
  readonly security: 'starttls' | 'tls' | 'none';
  readonly username: string;
  readonly password: string;
  readonly from: string;
  readonly to: string;
  readonly allowPrivateNetwork: boolean;
}

/** What the server shows of the settings is there to begin with; what is secret never is. */
export function formOf(channel: AlertChannel | null): ChannelForm {
  const {
    settings,
    rules,
    quiet_hours: quiet,
  } = channel ?? { settings: null, rules: null, quiet_hours: null };
  return {
    name: channel?.name ?? '',
    kind: channel?.kind ?? 'slack',
    isActive: channel?.is_active ?? true,
    settings: {
      url: '',
      secret: '',
      host: settings?.host ?? '',
      port: settings?.port === undefined ? '' : String(settings.port),
      security: settings?.security ?? 'starttls',
      username: settings?.username ?? '',
      password: '',
      from: settings?.from ?? '',
      to: settings?.to?.join(', ') ?? '',
      allowPrivateNetwork: settings?.allow_private_network ?? false,
    },
    minSeverity: rules?.min_severity ?? 'warning',
    kinds: rules?.kinds ?? [],
    providers: rules?.providers ?? [],
    isQuiet: quiet !== null,
    quietFrom: timeOfDay(quiet?.from ?? 1_320),
    quietTo: timeOfDay(quiet?.to ?? 420),
    quietMinSeverity: rules?.quiet_min_severity ?? 'critical',
  };
}

/** The settings as their kind takes them. */
export function settingsIn({ kind, settings }: ChannelForm): ChannelSettings {
  const { url, secret, host, port, security, username, password, from, to, allowPrivateNetwork } = settings;
  const allow = { allow_private_network: allowPrivateNetwork };
  if (kind === 'log') return {};
  if (kind === 'webhook') return { url, secret, ...allow };
  if (kind !== 'email') return { url, ...allow };
  return {
    host: host.trim(),
    ...(port.trim() !== '' && { port: Number(port) }),
    security,
    ...(username.trim() !== '' && { username: username.trim(), password }),
    from: from.trim(),
    to: to.split(/[\s,;]+/).filter((address) => address !== ''),
    ...allow,
  };
}

/** Everything but kind and settings. */
export function fieldsIn(form: ChannelForm): Omit<NewChannel, 'kind' | 'settings' | 'reason'> {
  const from = minutesOf(form.quietFrom);
  const to = minutesOf(form.quietTo);
  return {
    name: form.name.trim(),
    is_active: form.isActive,
    rules: {
      min_severity: form.minSeverity,
      kinds: [...form.kinds],
      providers: [...form.providers],
      quiet_min_severity: form.quietMinSeverity,
    },
    quiet_hours: form.isQuiet && from !== null && to !== null ? { from, to } : null,
  };
}

/** A secret of 32 random bytes, as Standard Webhooks writes it. */
export function makeWebhookSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}
