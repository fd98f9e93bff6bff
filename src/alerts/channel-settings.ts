/**
 * The settings of a channel: its address and its secrets, each kind with its own. They are stored as one Fernet
 * token and shown masked; an address of Slack or Teams is a secret itself. Where they lead falls under the same
 * rules as the addresses of providers.
 */
import { z } from 'zod';
import { isWebhookSecret } from '../foundation/config-anchor.ts';
import { KeywardError } from '../foundation/errors.ts';
import { checkAddress, hostProblem, mayGoWithoutTls } from '../foundation/outbound-address.ts';
import { Secret } from '../foundation/secret.ts';
import { plainLine } from '../foundation/visible-text.ts';

export const channelKinds = ['email', 'slack', 'teams', 'webhook', 'log'] as const;

export type ChannelKind = (typeof channelKinds)[number];

const longestUrl = 2_000;
const url = z.string().min(1).max(longestUrl);
const printable = z
  .string()
  .max(500)
  .regex(plainLine, 'must not hold control characters or such that turn the direction of text');
const mailAddress = z
  .string()
  .max(254)
  .regex(
    /^[^\s@<>"(),:;\\[\]]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*$/iu,
    'must be an address such as ops@example.com',
  );
const allow_private_network = z
  .boolean()
  .default(false)
  .describe('Whether the host may stand in, or resolve into, a private network.');

/** Every field that a kind may have, for who reads or sends them; which ones a kind takes its own schema says. */
export const settingsFields = z.strictObject({
  url: url.optional().describe('slack, teams, webhook: where it is posted to. Shown without its path.'),
  secret: z
    .string()
    .max(200)
    .optional()
    .describe(
      'webhook: the key of the signature, 24 to 64 bytes in base64, with `whsec_` before them or not.',
    ),
  host: printable.optional().describe('email: the SMTP server.'),
  port: z.int().min(1).max(65_535).optional().describe('email: 587 where absent; 465 with `tls`.'),
  security: z
    .enum(['starttls', 'tls', 'none'])
    .optional()
    .describe('email: `starttls` where absent; `none` to loopback and UPSTREAM_ALLOW_HTTP hosts only.'),
  username: printable.optional().describe('email: where the server asks for one.'),
  password: z.string().max(500).optional().describe('email: no answer ever holds it.'),
  from: mailAddress.optional().describe('email: the sender.'),
  to: z.array(mailAddress).max(20).optional().describe('email: the receivers.'),
  allow_private_network: allow_private_network.optional(),
});

export type SettingsFields = z.output<typeof settingsFields>;

const posted = z.strictObject({ url, allow_private_network });
const schemas = {
  slack: posted,
  teams: posted,
  webhook: posted.extend({
    secret: z
      .string()
      .refine(isWebhookSecret, 'must be 24 to 64 bytes in base64, with whsec_ before them or not'),
  }),
  email: z
    .strictObject({
      host: printable.min(1).transform((host) => host.toLowerCase()),
      port: z.int().min(1).max(65_535).optional(),
      security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
      username: printable.min(1).optional(),
      password: z.string().min(1).max(500).optional(),
      from: mailAddress,
      to: z.array(mailAddress).min(1).max(20),
      allow_private_network,
    })
    .refine(({ username, password }) => (username === undefined) === (password === undefined), {
      path: ['password'],
      error: 'and username go together',
    }),
} as const;

interface PostSettings {
  readonly url: Secret;
  readonly allowPrivateNetwork: boolean;
}

export interface EmailSettings {
  readonly host: string;
  readonly port: number;
  readonly security: 'starttls' | 'tls' | 'none';
  readonly login: { readonly username: string; readonly password: Secret } | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly allowPrivateNetwork: boolean;
}

export type ChannelSettings =
  | { readonly kind: 'log' }
  | ({ readonly kind: 'slack' | 'teams' } & PostSettings)
  | ({ readonly kind: 'webhook'; readonly secret: Secret } & PostSettings)
  | ({ readonly kind: 'email' } & EmailSettings);

/**
 * Checks what an administrator sent, by what its kind takes.
 * @returns what is to be encrypted; null for the log, which has no settings
 * @throws KeywardError field_invalid (400), which repeats no value
 */
export function checkSettings(
  kind: ChannelKind,
  fields: SettingsFields,
  allowHttp: readonly string[],
): Secret | null {
  if (kind === 'log') {
    if (Object.keys(fields).length > 0) throw invalid('settings', 'The log takes no settings');
    return null;
  }
  const parsed = schemas[kind].safeParse(fields);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : String(issue?.path[0] ?? 'settings');
    const words = issue?.code === 'unrecognized_keys' ? `is not a setting of ${kind}` : issue?.message;
    throw invalid(`settings.${name}`, `settings.${name} ${wordsOf(words, fields, name)}`);
  }
  const problem = addressProblem(settingsOf(kind, parsed.data), allowHttp);
  if (problem !== undefined) throw invalid(kind === 'email' ? 'settings.host' : 'settings.url', problem);
  return new Secret(JSON.stringify(parsed.data));
}

/** Words of zod for what is missing or of another type would stand at odds with the rest of the sentence. */
function wordsOf(words: string | undefined, fields: SettingsFields, name: string | undefined): string {
  if (name !== undefined && !(name in fields)) return 'is required';
  return words === undefined || /^(?:Invalid|Too|Required)/.test(words) ? 'is not as it must be' : words;
}

function invalid(param: string, problem: string): KeywardError {
  return new KeywardError('field_invalid', { param, message: `${problem}. Nothing was changed.` });
}

/** Why nothing may be sent there; undefined where something may. Looked at again before each sending. */
export function addressProblem(settings: ChannelSettings, allowHttp: readonly string[]): string | undefined {
  if (settings.kind === 'log') return undefined;
  const { allowPrivateNetwork } = settings;
  if (settings.kind !== 'email') {
    const rule = { allowHttp, allowPrivateNetwork, allowQuery: true };
    const checked = checkAddress(settings.url.reveal(), 'url', rule);
    return 'problem' in checked ? checked.problem : undefined;
  }
  const { host, security } = settings;
  if (!/^[a-z0-9_.:[\]-]+$/.test(host)) return 'host must be a name or an address, without scheme and port';
  if (security === 'none' && !mayGoWithoutTls(host, allowHttp))
    return 'host is reached without TLS; name it in UPSTREAM_ALLOW_HTTP if that is meant';
  return hostProblem(host, 'host', allowPrivateNetwork);
}

/**
 * The settings that were encrypted.
 * @throws SyntaxError or ZodError for what Keyward has not encrypted; neither repeats a value
 */
export function readSettings(kind: ChannelKind, stored: Secret | null): ChannelSettings {
  if (kind === 'log') return { kind };
  return settingsOf(kind, schemas[kind].parse(parseJson(stored?.reveal() ?? '')));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The words of JSON.parse would repeat what stands there.
    throw new SyntaxError('the settings are no JSON');
  }
}

function settingsOf(
  kind: Exclude<ChannelKind, 'log'>,
  value: z.output<(typeof schemas)[keyof typeof schemas]>,
): ChannelSettings {
  const allowPrivateNetwork = value.allow_private_network;
  if ('host' in value) {
    const { host, security, username, password, from, to } = value;
    const port = value.port ?? (security === 'tls' ? 465 : 587);
    const login =
      username === undefined || password === undefined ? null : { username, password: new Secret(password) };
    return { kind: 'email', host, port, security, login, from, to, allowPrivateNetwork };
  }
  const address = { url: new Secret(value.url.trim()), allowPrivateNetwork };
  if ('secret' in value) return { kind: 'webhook', ...address, secret: new Secret(value.secret) };
  return { kind: kind === 'teams' ? 'teams' : 'slack', ...address };
}

const hidden = '••••';

/** What may be shown of them: enough to recognise the channel by, nothing to use. */
export function maskSettings(settings: ChannelSettings): SettingsFields {
  if (settings.kind === 'log') return {};
  const { allowPrivateNetwork } = settings;
  if (settings.kind === 'email') {
    const { host, port, security, login, from, to } = settings;
    return {
      host,
      port,
      security,
      ...(login !== null && { username: login.username, password: hidden }),
      from,
      to: [...to],
      allow_private_network: allowPrivateNetwork,
    };
  }
  return {
    url: `${URL.parse(settings.url.reveal())?.origin ?? ''}/${hidden}`,
    ...(settings.kind === 'webhook' && { secret: hidden }),
    allow_private_network: allowPrivateNetwork,
  };
}
