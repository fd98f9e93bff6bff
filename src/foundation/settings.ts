/**
 * Every environment variable that Keyward reads, as data: from it come the parser, the error texts and
 * docs/configuration.md. A variable that is not here does not exist.
 */
import { z } from 'zod';

export interface Setting {
  readonly name: string;
  readonly section: 'Server' | 'Database' | 'Encryption' | 'Callers' | 'Providers' | 'Limits' | 'Logging';
  readonly description: string;
  /** What the documentation shows as the default; the schema holds the real one. */
  readonly defaultText: string;
  /** Set to nothing, it is a mistake to point out rather than the same as unset. */
  readonly refuseEmpty?: boolean;
}

const wholeNumber = (fallback: number, least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be between ${least} and ${most}`)
    .default(fallback);

const choice = <const T extends [string, ...string[]]>(values: T, fallback: T[number]) =>
  z.enum(values, `must be one of: ${values.join(', ')}`).default(fallback as never);

const token = z
  .string()
  .min(16, 'must have at least 16 characters')
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

export const settingsSchema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(8084, 0, 65535),
  SHUTDOWN_TIMEOUT_MS: wholeNumber(9_000, 0, 600_000),
  KEYWARD_DATA_DIR: z.string().default('.keyward'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .optional(),
  POSTGRES_HOST: z.string().optional(),
  POSTGRES_PORT: wholeNumber(5432, 1, 65535),
  POSTGRES_USER: z.string().optional(),
  POSTGRES_PASSWORD: z.string().optional(),
  POSTGRES_DB: z.string().optional(),
  SNAPSHOT_POLL_MS: wholeNumber(1_000, 50, 3_600_000),
  BYOK_ENCRYPTION_KEY: z.string().optional(),
  BYOK_ENCRYPTION_KEY_FILE: z.string().optional(),
  KEYWARD_ADMIN_TOKEN: token.optional(),
  KEYWARD_GATEWAY_TOKEN: token.optional(),
  GATEWAY_AUTH: choice(['token', 'open'], 'token'),
  DEFAULT_PROVIDER: z.string().optional(),
  UPSTREAM_ALLOW_HTTP: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((host) => host.trim().toLowerCase())
        .filter(Boolean),
    )
    .default([]),
  UPSTREAM_CONNECT_TIMEOUT_MS: wholeNumber(10_000, 1, 600_000),
  UPSTREAM_FIRST_BYTE_TIMEOUT_MS: wholeNumber(300_000, 1, 3_600_000),
  UPSTREAM_IDLE_TIMEOUT_MS: wholeNumber(120_000, 1, 3_600_000),
  UPSTREAM_MAX_CONNECTIONS: wholeNumber(512, 1, 65_535),
  MAX_BODY_BYTES: wholeNumber(32 * 1024 * 1024, 1, 1024 * 1024 * 1024),
  BODY_IDLE_TIMEOUT_MS: wholeNumber(30_000, 1, 3_600_000),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  LOG_FORMAT: choice(['auto', 'json', 'text'], 'auto'),
});

export type Settings = z.output<typeof settingsSchema>;

export const settings: readonly (Setting & { readonly name: keyof Settings })[] = [
  { name: 'HOST', section: 'Server', defaultText: '127.0.0.1', description: 'Address to listen on.' },
  {
    name: 'PORT',
    section: 'Server',
    defaultText: '8084',
    description: 'Port to listen on; 0 takes a free one.',
  },
  {
    name: 'SHUTDOWN_TIMEOUT_MS',
    section: 'Server',
    defaultText: '9000',
    description: 'How long requests in flight may go on after Ctrl-C or SIGTERM, in milliseconds.',
  },
  {
    name: 'KEYWARD_DATA_DIR',
    section: 'Database',
    defaultText: '.keyward',
    description: 'Directory of the embedded database and of the generated encryption key.',
    refuseEmpty: true,
  },
  {
    name: 'DATABASE_URL',
    section: 'Database',
    defaultText: 'unset: the embedded database',
    description:
      'A PostgreSQL 14 to 18, as postgres://user:password@host:port/database. Takes precedence over POSTGRES_*.',
    refuseEmpty: true,
  },
  {
    name: 'POSTGRES_HOST',
    section: 'Database',
    defaultText: 'unset',
    description:
      'Host, or directory of the Unix socket. With any POSTGRES_* variable, HOST, USER, PASSWORD and DB must all be set.',
    refuseEmpty: true,
  },
  {
    name: 'POSTGRES_PORT',
    section: 'Database',
    defaultText: '5432',
    description: 'Port.',
    refuseEmpty: true,
  },
  {
    name: 'POSTGRES_USER',
    section: 'Database',
    defaultText: 'unset',
    description: 'User.',
    refuseEmpty: true,
  },
  {
    name: 'POSTGRES_PASSWORD',
    section: 'Database',
    defaultText: 'unset',
    description: 'Password. May be set to nothing for a server that asks for none.',
  },
  {
    name: 'POSTGRES_DB',
    section: 'Database',
    defaultText: 'unset',
    description: 'Database.',
    refuseEmpty: true,
  },
  {
    name: 'SNAPSHOT_POLL_MS',
    section: 'Database',
    defaultText: '1000',
    description:
      'How often an instance looks whether a key changed, in milliseconds. Notifications usually tell it sooner.',
  },
  {
    name: 'BYOK_ENCRYPTION_KEY',
    section: 'Encryption',
    defaultText: 'unset',
    description:
      'Fernet keys that encrypt the stored provider keys, comma-separated: the first encrypts, all decrypt.',
    refuseEmpty: true,
  },
  {
    name: 'BYOK_ENCRYPTION_KEY_FILE',
    section: 'Encryption',
    defaultText: 'with the embedded database: encryption-key in KEYWARD_DATA_DIR',
    description: 'File that holds the same, when BYOK_ENCRYPTION_KEY is not set.',
    refuseEmpty: true,
  },
  {
    name: 'KEYWARD_ADMIN_TOKEN',
    section: 'Callers',
    defaultText: 'generated at the first start',
    description: 'Token for the admin API, at least 16 characters.',
    refuseEmpty: true,
  },
  {
    name: 'KEYWARD_GATEWAY_TOKEN',
    section: 'Callers',
    defaultText: 'generated at the first start',
    description: 'Token for callers of the gateway, at least 16 characters.',
    refuseEmpty: true,
  },
  {
    name: 'GATEWAY_AUTH',
    section: 'Callers',
    defaultText: 'token',
    description:
      'token: callers present a gateway token. open: anybody who reaches the port may call; only on a loopback or private HOST.',
  },
  {
    name: 'DEFAULT_PROVIDER',
    section: 'Providers',
    defaultText: 'unset',
    description: 'Slug of the provider that serves a bare model name which llm_models does not know.',
  },
  {
    name: 'UPSTREAM_ALLOW_HTTP',
    section: 'Providers',
    defaultText: 'none',
    description: 'Hosts, comma-separated, that may be called without TLS. Loopback always may.',
  },
  {
    name: 'UPSTREAM_CONNECT_TIMEOUT_MS',
    section: 'Limits',
    defaultText: '10000',
    description: 'How long connecting to a provider may take, in milliseconds.',
  },
  {
    name: 'UPSTREAM_FIRST_BYTE_TIMEOUT_MS',
    section: 'Limits',
    defaultText: '300000',
    description: 'How long a provider may take to begin its answer, in milliseconds.',
  },
  {
    name: 'UPSTREAM_IDLE_TIMEOUT_MS',
    section: 'Limits',
    defaultText: '120000',
    description: 'How long a provider may be silent within an answer, in milliseconds.',
  },
  {
    name: 'UPSTREAM_MAX_CONNECTIONS',
    section: 'Limits',
    defaultText: '512',
    description: 'Connections to one provider host; further requests wait for one.',
  },
  {
    name: 'MAX_BODY_BYTES',
    section: 'Limits',
    defaultText: '33554432',
    description: 'Largest request body that the gateway accepts, in bytes.',
  },
  {
    name: 'BODY_IDLE_TIMEOUT_MS',
    section: 'Limits',
    defaultText: '30000',
    description: 'How long a caller may be silent while it sends its body, in milliseconds.',
  },
  {
    name: 'LOG_LEVEL',
    section: 'Logging',
    defaultText: 'info',
    description: 'fatal, error, warn, info, debug, trace or silent.',
  },
  {
    name: 'LOG_FORMAT',
    section: 'Logging',
    defaultText: 'auto',
    description: 'json, text, or auto: text on a terminal, else json.',
  },
];
