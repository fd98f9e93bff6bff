/**
 * The only reader of process.env. Turns it into one checked, frozen Config; reports every fault at once,
 * by variable name and never by value.
 */
import { resolve } from 'node:path';
import { anchorConfig, anchorFaults, type AnchorConfig } from './config-anchor.ts';
import { alertsConfig, type AlertsConfig } from './config-alerts.ts';
import { administratorsConfig, signOnFaults, type AdministratorsConfig } from './config-administrators.ts';
import { UsageError } from './errors.ts';
import { isPrivateHost } from './network-address.ts';
import { Secret } from './secret.ts';
import { settingsSchema, type Settings } from './settings-schema.ts';
import { settings } from './settings.ts';

export type DatabaseConfig =
  | { readonly kind: 'embedded'; readonly dataDirectory: string }
  | {
      readonly kind: 'postgres';
      /** Names the database to a person: no password in it. */
      readonly description: string;
      /** Which variables it came from, for messages. */
      readonly from: 'DATABASE_URL' | 'POSTGRES_*';
      readonly pool: {
        readonly connectionString?: string;
        readonly host?: string;
        readonly port?: number;
        readonly user?: string;
        readonly password?: string;
        readonly database?: string;
      };
    };

interface ProviderEnvironment {
  readonly apiKeyName: string;
  readonly apiKey: Secret | undefined;
  readonly baseUrlName: string;
  readonly baseUrl: string | undefined;
}

/** A setting as people may see it. */
interface ShownSetting {
  readonly name: string;
  readonly section: string;
  readonly description: string;
  readonly isSet: boolean;
  /** As it was given; null for one that is not set, and for every secret. */
  readonly value: string | null;
  /** What holds where it is not set. */
  readonly defaultText: string;
}

export interface Config extends AdministratorsConfig {
  /** Every setting, for those who want to know how this instance is configured. */
  readonly shown: readonly ShownSetting[];
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly database: DatabaseConfig;
  readonly encryptionKey: Secret | undefined;
  readonly encryptionKeyFile: string | undefined;
  /** A command of the shell that prints the ring. */
  readonly encryptionKeyCommand: string | undefined;
  /** What a stored key without a binding counts for. */
  readonly keyBinding: 'warn' | 'require';
  readonly adminToken: Secret | undefined;
  readonly gatewayToken: Secret | undefined;
  readonly gatewayAuth: 'token' | 'open';
  /** What serves a user whose own key is refused or cannot be read. */
  readonly byokFallback: 'none' | 'system';
  readonly defaultProvider: string | undefined;
  /** What the environment says of one provider: {SLUG}_API_KEY and {SLUG}_BASE_URL. */
  readonly provider: (slug: string) => ProviderEnvironment;
  readonly audit: { readonly anchor: AnchorConfig };
  /** When in the day keys are tested; null: not by the clock. */
  readonly health: { readonly testWindow: Settings['HEALTH_TEST_WINDOW'] };
  readonly alerts: AlertsConfig;
  readonly upstream: {
    readonly allowHttp: readonly string[];
    readonly connectTimeoutMs: number;
    readonly firstByteTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly totalTimeoutMs: number;
    readonly retries: number;
    readonly maxConnections: number;
  };
  readonly limits: {
    readonly maxBodyBytes: number;
    readonly maxUploadBytes: number;
    readonly bodyIdleTimeoutMs: number;
    readonly shutdownTimeoutMs: number;
    readonly snapshotPollMs: number;
  };
  /** Of a collector for traces, where one is configured. */
  readonly traceEndpoint: string | undefined;
  readonly log: { readonly level: Settings['LOG_LEVEL']; readonly format: Settings['LOG_FORMAT'] };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks the environment.
 * @throws UsageError that lists every fault, one line each
 */
export function loadConfig(environment: Environment = process.env): Config {
  const faults: string[] = [];
  const given: Record<string, string> = {};
  for (const { name, refuseEmpty } of settings) {
    const value = environment[name]?.trim();
    if (value === undefined) continue;
    if (value !== '' || name === 'POSTGRES_PASSWORD') given[name] = value;
    else if (refuseEmpty) faults.push(`${name} is set but empty. Give it a value or unset it.`);
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) faults.push(`${issue.path.join('.')} ${issue.message}.`);
  }
  faults.push(
    ...databaseFaults(environment),
    ...authFaults(environment),
    ...anchorFaults(given),
    ...signOnFaults((name) => environment[name] !== undefined),
  );
  if (faults.length > 0 || !parsed.success) throw new UsageError(faultText(faults));
  return buildConfig(parsed.data, environment, showSettings(given));
}

function faultText(faults: readonly string[]): string {
  if (faults.length === 1) return `The configuration has a fault: ${faults[0]}`;
  return `The configuration has ${faults.length} faults:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`;
}

const postgresNames = ['POSTGRES_HOST', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB'] as const;

/** A half-set database must not end in the embedded one without a word. */
function databaseFaults(environment: Environment): string[] {
  if (environment['DATABASE_URL'] !== undefined) return [];
  const named = [...postgresNames, 'POSTGRES_PORT'].filter((name) => environment[name] !== undefined);
  const missing = postgresNames.filter((name) => environment[name] === undefined);
  if (named.length === 0 || missing.length === 0) return [];
  return [
    `The database is half set: ${named.join(', ')} given, ${missing.join(', ')} missing. Set them all (POSTGRES_PASSWORD may be empty), or none for the embedded database.`,
  ];
}

function authFaults(environment: Environment): string[] {
  const host = environment['HOST']?.trim() || '127.0.0.1';
  if (environment['GATEWAY_AUTH']?.trim() !== 'open' || isPrivateHost(host)) return [];
  return [
    'GATEWAY_AUTH=open needs a HOST that is a loopback or private address: on this one anybody could spend your keys. Use GATEWAY_AUTH=token.',
  ];
}

function showSettings(given: Readonly<Record<string, string>>): ShownSetting[] {
  return settings.map(({ name, section, description, defaultText, isSecret = false }) => ({
    name,
    section,
    description,
    defaultText,
    isSet: given[name] !== undefined,
    value: isSecret ? null : (given[name] ?? null),
  }));
}

function buildConfig(values: Settings, environment: Environment, shown: readonly ShownSetting[]): Config {
  const dataDirectory = resolve(values.KEYWARD_DATA_DIR);
  const database = databaseConfig(values, dataDirectory);
  const isEmbedded = database.kind === 'embedded';
  return Object.freeze({
    shown,
    host: values.HOST,
    port: values.PORT,
    dataDirectory,
    database,
    encryptionKey: optionalSecret(values.BYOK_ENCRYPTION_KEY),
    encryptionKeyFile: values.BYOK_ENCRYPTION_KEY_FILE,
    encryptionKeyCommand: values.BYOK_ENCRYPTION_KEY_COMMAND,
    keyBinding: values.KEY_BINDING,
    adminToken: optionalSecret(values.KEYWARD_ADMIN_TOKEN),
    gatewayToken: optionalSecret(values.KEYWARD_GATEWAY_TOKEN),
    gatewayAuth: values.GATEWAY_AUTH,
    byokFallback: values.BYOK_FALLBACK,
    ...administratorsConfig(values),
    defaultProvider: values.DEFAULT_PROVIDER,
    provider: (slug: string) => providerEnvironment(slug, environment),
    health: { testWindow: values.HEALTH_TEST_WINDOW },
    audit: { anchor: anchorConfig(values, { dataDirectory, isEmbedded }) },
    alerts: alertsConfig(values),
    upstream: {
      allowHttp: values.UPSTREAM_ALLOW_HTTP,
      connectTimeoutMs: values.UPSTREAM_CONNECT_TIMEOUT_MS,
      firstByteTimeoutMs: values.UPSTREAM_FIRST_BYTE_TIMEOUT_MS,
      idleTimeoutMs: values.UPSTREAM_IDLE_TIMEOUT_MS,
      totalTimeoutMs: values.UPSTREAM_TOTAL_TIMEOUT_MS,
      retries: values.UPSTREAM_RETRIES,
      maxConnections: values.UPSTREAM_MAX_CONNECTIONS,
    },
    limits: {
      maxBodyBytes: values.MAX_BODY_BYTES,
      maxUploadBytes: values.MAX_UPLOAD_BYTES,
      bodyIdleTimeoutMs: values.BODY_IDLE_TIMEOUT_MS,
      shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
      snapshotPollMs: values.SNAPSHOT_POLL_MS,
    },
    traceEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT },
  });
}

function databaseConfig(values: Settings, dataDirectory: string): DatabaseConfig {
  if (values.DATABASE_URL !== undefined) {
    return {
      kind: 'postgres',
      from: 'DATABASE_URL',
      description: describeUrl(values.DATABASE_URL),
      pool: { connectionString: values.DATABASE_URL },
    };
  }
  const {
    POSTGRES_HOST: host,
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password = '',
    POSTGRES_DB: database,
  } = values;
  if (host === undefined || user === undefined || database === undefined)
    return { kind: 'embedded', dataDirectory };
  return {
    kind: 'postgres',
    from: 'POSTGRES_*',
    description: `PostgreSQL ${user}@${host}:${values.POSTGRES_PORT}/${database}`,
    pool: { host, port: values.POSTGRES_PORT, user, password, database },
  };
}

function describeUrl(text: string): string {
  const nameless = 'PostgreSQL at DATABASE_URL';
  try {
    const url = new URL(text);
    // An unescaped / ? or # in the password moves the rest of it, with the @, out of its place.
    if ((url.pathname + url.search + url.hash).includes('@')) return nameless;
    return `PostgreSQL ${url.username === '' ? '' : `${url.username}@`}${url.host}${url.pathname}`;
  } catch {
    return nameless;
  }
}

function providerEnvironment(slug: string, environment: Environment): ProviderEnvironment {
  const prefix = slug.toUpperCase().replaceAll('-', '_');
  const apiKeyName = `${prefix}_API_KEY`;
  const baseUrlName = `${prefix}_BASE_URL`;
  const apiKey = environment[apiKeyName]?.trim();
  return {
    apiKeyName,
    apiKey: apiKey ? new Secret(apiKey) : undefined,
    baseUrlName,
    baseUrl: environment[baseUrlName]?.trim() || undefined,
  };
}

function optionalSecret(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}
