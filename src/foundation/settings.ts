/**
 * Every environment variable that Keyward reads, as data: from it come the error texts and docs/configuration.md,
 * and its values are parsed by settings-schema.ts. A variable that is not here does not exist.
 */
import type { Settings } from './settings-schema.ts';

export interface Setting {
  readonly name: string;
  readonly section:
    | 'Server'
    | 'Database'
    | 'Encryption'
    | 'Callers'
    | 'Administrators'
    | 'Providers'
    | 'Audit'
    | 'Health'
    | 'Alerts'
    | 'Limits'
    | 'Logging';
  readonly description: string;
  /** What the documentation shows as the default; the schema holds the real one. */
  readonly defaultText: string;
  /** Set to nothing, it is a mistake to point out rather than the same as unset. */
  readonly refuseEmpty?: boolean;
  /** Its value is shown to nobody: it is a secret, may hold one, or leads to one. */
  readonly isSecret?: true;
}

export const settings: readonly (Setting & { readonly name: keyof Settings })[] = [
  { name: 'HOST', section: 'Server', defaultText: '127.0.0.1', description: 'Address to listen on.' },
  {
    name: 'PORT',
    section: 'Server',
    defaultText: '8084',
    description: 'Port to listen on; 0 takes a free one.',
  },
  {
    name: 'PUBLIC_URL',
    section: 'Server',
    defaultText: 'unset',
    description:
      'Where administrators reach this server, as https://keyward.example.com: its name is a Host that is answered to, its origin one that the page may have.',
    refuseEmpty: true,
  },
  {
    name: 'ALLOWED_HOSTS',
    section: 'Server',
    defaultText: 'none: private names',
    description:
      'Names, comma-separated, that the admin side answers to besides localhost, HOST and the name in PUBLIC_URL. Addresses always are answered to.',
  },
  {
    name: 'TRUSTED_PROXIES',
    section: 'Server',
    defaultText: 'none',
    description:
      'Addresses and networks, comma-separated, whose X-Forwarded-For and X-Forwarded-Proto are believed; loopback, linklocal and uniquelocal stand for theirs.',
  },
  {
    name: 'SHUTDOWN_TIMEOUT_MS',
    section: 'Server',
    defaultText: '7000',
    description:
      'How long requests in flight may go on after Ctrl-C or SIGTERM, in milliseconds. A second one ends the server at once.',
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
    isSecret: true,
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
    isSecret: true,
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
    isSecret: true,
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
    description:
      'File that holds the same, a key a line, when BYOK_ENCRYPTION_KEY is not set. A running server reads it again when it changes.',
    refuseEmpty: true,
  },
  {
    name: 'BYOK_ENCRYPTION_KEY_COMMAND',
    isSecret: true,
    section: 'Encryption',
    defaultText: 'unset',
    description:
      'Command of the shell that prints the same, when neither of the two above is set: the way to a key store (docs/encryption-key.md). A running server runs it again every minute.',
    refuseEmpty: true,
  },
  {
    name: 'KEY_BINDING',
    section: 'Encryption',
    defaultText: 'warn',
    description:
      'A key that Keyward stores is bound to its provider and to the host of base_url, and serves nowhere else. warn: a key that another program stored has no binding and serves all the same, with a remark. require: it does not serve until it is entered again or bound with keyward keys bind.',
  },
  {
    name: 'KEYWARD_ADMIN_TOKEN',
    isSecret: true,
    section: 'Callers',
    defaultText: 'generated at the first start',
    description: 'Token for the admin API, at least 16 characters.',
    refuseEmpty: true,
  },
  {
    name: 'KEYWARD_GATEWAY_TOKEN',
    isSecret: true,
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
    name: 'BYOK_FALLBACK',
    section: 'Callers',
    defaultText: 'none',
    description:
      'What serves a user whose own key is refused by its provider, or cannot be read. none: nothing, and they are told. system: the key of the platform, at its cost.',
  },
  {
    name: 'SESSION_IDLE_TIMEOUT_MIN',
    section: 'Administrators',
    defaultText: '30',
    description: 'After how long without a request a session ends, in minutes.',
  },
  {
    name: 'SESSION_LIFETIME_MIN',
    section: 'Administrators',
    defaultText: '720',
    description: 'After how long a session ends in any case, in minutes.',
  },
  {
    name: 'OIDC_ISSUER',
    section: 'Administrators',
    defaultText: 'unset: no single sign-on',
    description:
      'Issuer of the OpenID Connect provider, for example https://sso.example.com/realms/main. https, unless it is loopback.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_CLIENT_ID',
    section: 'Administrators',
    defaultText: 'unset',
    description: 'The client as which Keyward is registered there.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_CLIENT_SECRET',
    isSecret: true,
    section: 'Administrators',
    defaultText: 'unset: a public client',
    description: 'Its secret.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_REDIRECT_URL',
    section: 'Administrators',
    defaultText: 'unset: PUBLIC_URL and /api/v1/admin/session/oidc/callback',
    description: 'Where the provider sends people back to; ends with that path.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_SCOPES',
    section: 'Administrators',
    defaultText: 'openid profile email',
    description: 'Scopes to ask for, separated by blanks.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_ROLES_CLAIM',
    section: 'Administrators',
    defaultText: 'realm_access.roles',
    description:
      'The claim that holds the roles; dots lead into objects. The default is where Keycloak has them.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_ADMIN_ROLE',
    section: 'Administrators',
    defaultText: 'keyward-admin',
    description: 'The role there that may change everything here.',
    refuseEmpty: true,
  },
  {
    name: 'OIDC_VIEWER_ROLE',
    section: 'Administrators',
    defaultText: 'keyward-viewer',
    description: 'The role there that may look here.',
    refuseEmpty: true,
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
    description:
      'Hosts, comma-separated, that may be called without TLS. Loopback always may; cloud metadata and link-local addresses may never be called.',
  },
  {
    name: 'AUDIT_ANCHOR',
    section: 'Audit',
    defaultText: 'with the embedded database: file; else log',
    description:
      'Where the head of the audit trail is noted outside the database, so that nothing can be cut off its end unseen: file, log, webhook or off.',
  },
  {
    name: 'AUDIT_ANCHOR_FILE',
    section: 'Audit',
    defaultText: 'unset: audit-heads.jsonl in KEYWARD_DATA_DIR',
    description: 'File that heads are appended to. Best where the database cannot write.',
    refuseEmpty: true,
  },
  {
    name: 'AUDIT_ANCHOR_URL',
    isSecret: true,
    section: 'Audit',
    defaultText: 'unset',
    description: 'Address that heads are posted to: https, or http to loopback.',
    refuseEmpty: true,
  },
  {
    name: 'AUDIT_ANCHOR_SECRET',
    isSecret: true,
    section: 'Audit',
    defaultText: 'unset',
    description: 'What the posts are signed with, as standardwebhooks.com has it: whsec_ and base64.',
    refuseEmpty: true,
  },
  {
    name: 'HEALTH_TEST_WINDOW',
    section: 'Health',
    defaultText: '02:00-05:00',
    description:
      'When in the day, UTC, each key has its daily test, which spends no tokens unless its policy says so; the minute follows from the provider. What was not run then is made up the same day. off: no daily test.',
  },
  {
    name: 'ALERT_RESOLVE_AFTER_MIN',
    section: 'Alerts',
    defaultText: '5',
    description: 'How long a cause must be gone before its alert is resolved, in minutes.',
  },
  {
    name: 'ALERT_FLAPPING_MIN',
    section: 'Alerts',
    defaultText: '60',
    description:
      'A cause that is back within this time after the end opens the same alert again, which then ends only when the cause is gone for as long; in minutes.',
  },
  {
    name: 'ALERT_REMINDERS',
    section: 'Alerts',
    defaultText: '1h,4h,1d,7d',
    description:
      'The time from each message of an open alert to the next reminder, comma-separated; the last one repeats. none: no reminders.',
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
    name: 'UPSTREAM_TOTAL_TIMEOUT_MS',
    section: 'Limits',
    defaultText: '1800000',
    description: 'How long an answer may take in all, from the request to its last byte, in milliseconds.',
  },
  {
    name: 'UPSTREAM_RETRIES',
    section: 'Limits',
    defaultText: '1',
    description:
      'How often a call is sent again to a provider that could not be reached, was overloaded or limited the rate, before a byte of an answer has come.',
  },
  {
    name: 'UPSTREAM_MAX_CONNECTIONS',
    section: 'Limits',
    defaultText: '2048',
    description: 'Connections to one provider host; further requests wait for one.',
  },
  {
    name: 'MAX_BODY_BYTES',
    section: 'Limits',
    defaultText: '33554432',
    description: 'Largest request body that the gateway accepts, in bytes.',
  },
  {
    name: 'MAX_UPLOAD_BYTES',
    section: 'Limits',
    defaultText: '536870912',
    description:
      'Largest file upload that the gateway passes on, in bytes. It is streamed, not held in memory.',
  },
  {
    name: 'BODY_IDLE_TIMEOUT_MS',
    section: 'Limits',
    defaultText: '30000',
    description: 'How long a caller may be silent while it sends its body, in milliseconds.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    section: 'Logging',
    defaultText: 'none: no traces',
    description:
      'Collector of OpenTelemetry that gets a span for each request, by OTLP over HTTP, such as http://localhost:4318.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    section: 'Logging',
    defaultText: 'none',
    isSecret: true,
    description: 'Headers for that collector, as name=value, separated by commas.',
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
