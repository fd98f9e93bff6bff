/** What values the environment variables may have, and what holds where one is not set. Which there are, settings.ts tells. */
import { z } from 'zod';
import { isAnchorUrl, isWebhookSecret } from './config-anchor.ts';
import {
  callbackUrl,
  choice,
  durations,
  hostNames,
  list,
  networks,
  origin,
  secureUrl,
  timeWindow,
  token,
  wholeNumber,
} from './setting-types.ts';

export const settingsSchema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(8084, 0, 65535),
  PUBLIC_URL: origin.optional(),
  ALLOWED_HOSTS: hostNames,
  TRUSTED_PROXIES: networks,
  SHUTDOWN_TIMEOUT_MS: wholeNumber(7_000, 0, 600_000),
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
  BYOK_ENCRYPTION_KEY_COMMAND: z.string().optional(),
  KEY_BINDING: choice(['warn', 'require'], 'warn'),
  KEYWARD_ADMIN_TOKEN: token.optional(),
  KEYWARD_GATEWAY_TOKEN: token.optional(),
  GATEWAY_AUTH: choice(['token', 'open'], 'token'),
  BYOK_FALLBACK: choice(['none', 'system'], 'none'),
  SESSION_IDLE_TIMEOUT_MIN: wholeNumber(30, 1, 10_080),
  SESSION_LIFETIME_MIN: wholeNumber(720, 1, 43_200),
  OIDC_ISSUER: secureUrl.optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  OIDC_REDIRECT_URL: callbackUrl.optional(),
  OIDC_SCOPES: z
    .string()
    .regex(/^(?:[\x21-\x7e]+ +)*openid(?: +[\x21-\x7e]+)*$/, 'must hold openid, and be separated by blanks')
    .default('openid profile email'),
  OIDC_ROLES_CLAIM: z.string().default('realm_access.roles'),
  OIDC_ADMIN_ROLE: z.string().default('keyward-admin'),
  OIDC_VIEWER_ROLE: z.string().default('keyward-viewer'),
  DEFAULT_PROVIDER: z.string().optional(),
  UPSTREAM_ALLOW_HTTP: list.default([]),
  AUDIT_ANCHOR: z
    .enum(['file', 'log', 'webhook', 'off'], 'must be one of: file, log, webhook, off')
    .optional(),
  AUDIT_ANCHOR_FILE: z.string().optional(),
  AUDIT_ANCHOR_URL: z
    .string()
    .refine(isAnchorUrl, 'must be an https:// address without a user, or http:// to loopback')
    .optional(),
  AUDIT_ANCHOR_SECRET: z
    .string()
    .refine(isWebhookSecret, 'must be 24 to 64 bytes in base64, with whsec_ before them or not')
    .optional(),
  HEALTH_TEST_WINDOW: timeWindow('02:00-05:00'),
  ALERT_RESOLVE_AFTER_MIN: wholeNumber(5, 0, 1_440),
  ALERT_FLAPPING_MIN: wholeNumber(60, 1, 10_080),
  ALERT_REMINDERS: durations.default([3_600_000, 14_400_000, 86_400_000, 604_800_000]),
  UPSTREAM_CONNECT_TIMEOUT_MS: wholeNumber(10_000, 1, 600_000),
  UPSTREAM_FIRST_BYTE_TIMEOUT_MS: wholeNumber(300_000, 1, 3_600_000),
  UPSTREAM_IDLE_TIMEOUT_MS: wholeNumber(120_000, 1, 3_600_000),
  UPSTREAM_TOTAL_TIMEOUT_MS: wholeNumber(1_800_000, 1, 86_400_000),
  UPSTREAM_RETRIES: wholeNumber(1, 0, 5),
  UPSTREAM_MAX_CONNECTIONS: wholeNumber(2_048, 1, 65_535),
  MAX_BODY_BYTES: wholeNumber(32 * 1024 * 1024, 1, 1024 * 1024 * 1024),
  MAX_UPLOAD_BYTES: wholeNumber(512 * 1024 * 1024, 1, 64 * 1024 * 1024 * 1024),
  BODY_IDLE_TIMEOUT_MS: wholeNumber(30_000, 1, 3_600_000),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  LOG_FORMAT: choice(['auto', 'json', 'text'], 'auto'),
});

export type Settings = z.output<typeof settingsSchema>;
