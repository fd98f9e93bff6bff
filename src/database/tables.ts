/**
 * The tables as the query builder sees them, in the shape that the migrations leave behind. Columns
 * that no room reads are left out; SCHEMA-level truth is the SQL in migrations/.
 */
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

/** TIMESTAMP without time zone, holding UTC: read as Date, written as Date. */
type Timestamp = ColumnType<Date, Date | undefined, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;

/** BIGINT: the driver gives text, since a JavaScript number cannot hold all of it. */
type BigInteger = ColumnType<string, string | number | bigint, string | number | bigint>;

export interface LlmProvidersTable {
  id: Generated<number>;
  provider_name: string;
  provider_slug: string;
  display_name: string;
  base_url: string | null;
  is_active: boolean | null;
  encrypted_api_key: string | null;
  api_key_source: Generated<string>;
  api_key_updated_at: NullableTimestamp;
  api_key_last_tested: NullableTimestamp;
  api_key_test_status: string | null;
  api_key_binding: string | null;
  allow_private_network: Generated<boolean>;
  /** JSONB: read as a value, written as its text. */
  request_headers: ColumnType<unknown, string | null | undefined, string | null>;
  encrypted_under: string | null;
  is_byok_supported: boolean | null;
  health_status: string | null;
  health_last_checked: NullableTimestamp;
  health_response_time_ms: number | null;
}

interface LlmModelsTable {
  id: Generated<number>;
  provider_id: number;
  model_id: string;
  model_name: string;
  display_name: string;
  is_active: boolean | null;
}

interface UserApiKeysTable {
  id: Generated<number>;
  user_id: string;
  provider_id: number;
  key_name: string | null;
  encrypted_api_key: string;
  encrypted_under: string | null;
  key_prefix: string | null;
  key_suffix: string | null;
  is_active: boolean | null;
  is_validated: boolean | null;
  validation_error: string | null;
  last_validated_at: NullableTimestamp;
  /** A bigint, as text. */
  total_requests: ColumnType<string | null, number | undefined, number>;
  last_used_at: NullableTimestamp;
  created_ip: string | null;
  last_rotated_at: NullableTimestamp;
  created_at: Timestamp;
  updated_at: Timestamp;
}

interface KeywardTokenLimitsTable {
  token_id: number;
  owner: string | null;
  allowed_providers: string[] | null;
  allowed_models: string[] | null;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  /** A numeric, as text. */
  daily_budget_usd: ColumnType<string | null, number | null, number | null>;
  monthly_budget_usd: ColumnType<string | null, number | null, number | null>;
  changed_by: string;
  changed_at: Timestamp;
}

interface KeywardModelAliasesTable {
  alias: string;
  targets: string[];
  changed_by: string;
  changed_at: Timestamp;
}

interface KeywardUsageHourlyTable {
  hour: Timestamp;
  provider: string;
  requests: BigInteger;
  errors: BigInteger;
}

interface KeywardRevisionTable {
  revision: BigInteger;
}

interface KeywardInstallationTable {
  fingerprint_key: string;
}

interface KeywardInstancesTable {
  id: string;
  host: string;
  pid: number;
  version: string;
  revision: BigInteger;
  /** JSONB: read as a value, written as its text. */
  serves: ColumnType<unknown, string | undefined, string>;
  /** JSONB: read as a value, written as its text. */
  encryption_key_ids: ColumnType<readonly string[], string | undefined, string>;
  started_at: Timestamp;
  seen_at: Timestamp;
}

interface KeywardTokensTable {
  id: Generated<number>;
  kind: 'admin' | 'gateway';
  name: string;
  token_hash: string;
  token_prefix: string;
  created_at: Timestamp;
  revoked_at: NullableTimestamp;
  role: 'admin' | 'viewer' | null;
  expires_at: NullableTimestamp;
  last_used_at: NullableTimestamp;
}

interface KeywardAuditEventsTable {
  sequence: BigInteger;
  event: string;
  previous_hash: string;
  hash: string;
  transaction_id: GeneratedAlways<string>;
  occurred_at: GeneratedAlways<Date>;
  action: GeneratedAlways<string>;
  outcome: GeneratedAlways<string>;
  actor_kind: GeneratedAlways<string>;
  actor_name: GeneratedAlways<string>;
  target_kind: GeneratedAlways<string>;
  target_id: GeneratedAlways<string>;
}

interface KeywardAuditChainTable {
  only_row: Generated<boolean>;
  encrypted_audit_key: string;
  created_at: Timestamp;
}

interface KeywardEncryptionKeysTable {
  key_id: string;
  canary: string;
  first_used_at: Timestamp;
  retired_at: NullableTimestamp;
}

export interface KeywardForeignChangesTable {
  id: Generated<string>;
  table_name: string;
  operation: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'FOUND';
  row_before: Readonly<Record<string, unknown>> | null;
  row_after: Readonly<Record<string, unknown>> | null;
  database_user: string;
  application_name: string;
  client_address: string | null;
  changed_at: Timestamp;
}

interface KeywardProviderRevisionsTable {
  provider_id: number;
  revision: BigInteger;
}

interface KeywardKeyTestsTable {
  id: Generated<string>;
  provider_slug: string;
  fingerprint: string;
  source: 'database' | 'environment' | 'candidate';
  verdict: string;
  code: string | null;
  message: string;
  advice: string;
  http_status: number | null;
  response_time_ms: number;
  asked_by: string;
  tested_at: Timestamp;
}

interface KeywardSessionsTable {
  id_hash: string;
  public_id: Generated<string>;
  method: 'token' | 'oidc';
  token_id: number | null;
  subject: string;
  name: string;
  role: 'admin' | 'viewer';
  address: string | null;
  user_agent: string | null;
  created_at: Timestamp;
  last_seen_at: Timestamp;
  expires_at: Timestamp;
}

interface KeywardIdempotencyKeysTable {
  actor: string;
  key: string;
  request_hash: string;
  status: number | null;
  answer: string | null;
  encrypted_under: string | null;
  created_at: Timestamp;
}

export interface KeywardKeyVersionsTable {
  id: Generated<string>;
  provider_id: number;
  state: 'pending' | 'active' | 'previous' | 'retired' | 'revoked';
  encrypted_api_key: string | null;
  api_key_binding: string | null;
  fingerprint: string | null;
  mask: string | null;
  origin: Generated<'found' | 'entered' | 'minted'>;
  minted_name: string | null;
  minted_id: string | null;
  created_by: string | null;
  reason: string | null;
  last_verdict: string | null;
  last_tested_at: NullableTimestamp;
  generated_at: NullableTimestamp;
  expires_at: NullableTimestamp;
  created_at: Timestamp;
  promoted_at: NullableTimestamp;
  retired_at: NullableTimestamp;
  revoked_at: NullableTimestamp;
  encrypted_under: string | null;
  remark: string | null;
}

export interface KeywardRotationsTable {
  id: Generated<string>;
  provider_id: number;
  step: RotationStep;
  new_version_id: BigInteger;
  old_version_id: ColumnType<string | null, string | null, string | null>;
  source_before: string;
  is_automatic: Generated<boolean>;
  /** NUMERIC: the driver gives text. */
  canary_percent: ColumnType<string, number | undefined, number>;
  canary_seconds: Generated<number>;
  canary_min_calls: Generated<number>;
  soak_seconds: Generated<number>;
  is_forced: Generated<boolean>;
  explanation: string | null;
  started_by: string;
  reason: string | null;
  started_at: Timestamp;
  step_since: Timestamp;
  promoted_at: NullableTimestamp;
  ended_at: NullableTimestamp;
  claimed_by: string | null;
  claimed_until: NullableTimestamp;
}

type RotationStep =
  | 'minting'
  | 'staged'
  | 'tested'
  | 'canary'
  | 'soaking'
  | 'completed'
  | 'rolled_back'
  | 'cancelled'
  | 'superseded'
  | 'failed';

interface KeywardRotationTrafficTable {
  rotation_id: BigInteger;
  instance_id: string;
  which_key: 'new' | 'old';
  calls: BigInteger;
  errors: BigInteger;
  refusals: BigInteger;
  updated_at: Timestamp;
}

export interface KeywardRotationSchedulesTable {
  provider_id: number;
  every_days: number | null;
  before_expiry_days: number | null;
  jitter_minutes: Generated<number>;
  window_from: number | null;
  window_to: number | null;
  next_at: NullableTimestamp;
  taken_at: NullableTimestamp;
  stopped_because: string | null;
  changed_by: string;
  changed_at: Timestamp;
}

interface KeywardManagementKeysTable {
  provider_id: number;
  encrypted_credential: string;
  encrypted_under: string | null;
  credential_binding: string;
  fingerprint: string;
  mask: string;
  base_url: string | null;
  /** JSONB: read as a value, written as its text. */
  parameters: ColumnType<unknown, string | undefined, string>;
  created_by: string;
  created_at: Timestamp;
  swept_at: NullableTimestamp;
  /** JSONB: read as a value, written as its text. */
  last_sweep: ColumnType<unknown, string | null | undefined, string | null>;
}

export interface KeywardKeyPoliciesTable {
  provider_id: number;
  ageing_days: Generated<number>;
  due_days: Generated<number>;
  overdue_days: Generated<number>;
  owner: string | null;
  snoozed_until: NullableTimestamp;
  snooze_reason: string | null;
  probe_model: string | null;
  probe_monthly_calls: number | null;
  /** DATE: read and written by SQL only, as text. */
  probe_month: Generated<string | null>;
  probe_calls: Generated<number>;
  changed_by: string;
  changed_at: Timestamp;
}

interface KeywardDailyTestsTable {
  provider_id: number;
  /** DATE: read and written by SQL only, as text. */
  day: string;
  due_at: Timestamp;
  state: Generated<'waiting' | 'running' | 'done' | 'missed'>;
  asked_by: string | null;
  claimed_by: string | null;
  claimed_until: NullableTimestamp;
  tested_at: NullableTimestamp;
  verdict: string | null;
  response_time_ms: number | null;
  remark: string | null;
}

interface KeywardLiveVerdictsTable {
  provider_id: number;
  fingerprint: string;
  verdict: string;
  calls: BigInteger;
  first_seen_at: Timestamp;
  last_seen_at: Timestamp;
  claimed_by: string | null;
  claimed_until: NullableTimestamp;
  tested_at: NullableTimestamp;
}

export interface KeywardAlertsTable {
  id: Generated<string>;
  cause: string;
  kind: string;
  severity: 'info' | 'warning' | 'critical';
  provider_id: number | null;
  /** JSONB: read as a value, written as its text. */
  details: ColumnType<unknown, string | undefined, string>;
  occurrences: ColumnType<string, number | undefined, number>;
  opened_at: Timestamp;
  updated_at: Timestamp;
  resolved_at: NullableTimestamp;
  acknowledged_at: NullableTimestamp;
  acknowledged_by: string | null;
  snoozed_until: NullableTimestamp;
  snoozed_by: string | null;
  reason: string | null;
  reminders: Generated<number>;
  next_reminder_at: NullableTimestamp;
}

export interface KeywardAlertChannelsTable {
  id: Generated<number>;
  name: string;
  kind: 'email' | 'slack' | 'teams' | 'webhook' | 'log';
  encrypted_settings: string | null;
  encrypted_under: string | null;
  /** JSONB: read as a value, written as its text. */
  rules: ColumnType<unknown, string | undefined, string>;
  quiet_from: number | null;
  quiet_to: number | null;
  is_active: Generated<boolean>;
  changed_by: string;
  changed_at: Timestamp;
}

export interface KeywardAlertDeliveriesTable {
  id: Generated<string>;
  alert_id: ColumnType<string | null, string | null, string | null>;
  channel_id: number;
  event: 'opened' | 'updated' | 'resolved' | 'reminder' | 'test';
  state: Generated<'waiting' | 'sending' | 'delivered' | 'failed' | 'dropped'>;
  attempts: Generated<number>;
  next_attempt_at: Timestamp;
  claimed_by: string | null;
  claimed_until: NullableTimestamp;
  last_error: string | null;
  created_at: Timestamp;
  delivered_at: NullableTimestamp;
}

interface KeywardMigrationsTable {
  version: string;
  name: string;
  checksum: string;
  applied_at: Timestamp;
  applied_by: string;
  duration_ms: number;
}

export interface Tables {
  llm_providers: LlmProvidersTable;
  llm_models: LlmModelsTable;
  user_api_keys: UserApiKeysTable;
  keyward_token_limits: KeywardTokenLimitsTable;
  keyward_model_aliases: KeywardModelAliasesTable;
  keyward_usage_hourly: KeywardUsageHourlyTable;
  keyward_revision: KeywardRevisionTable;
  keyward_installation: KeywardInstallationTable;
  keyward_instances: KeywardInstancesTable;
  keyward_tokens: KeywardTokensTable;
  keyward_migrations: KeywardMigrationsTable;
  keyward_audit_events: KeywardAuditEventsTable;
  keyward_audit_chain: KeywardAuditChainTable;
  keyward_foreign_changes: KeywardForeignChangesTable;
  keyward_encryption_keys: KeywardEncryptionKeysTable;
  keyward_provider_revisions: KeywardProviderRevisionsTable;
  keyward_key_tests: KeywardKeyTestsTable;
  keyward_sessions: KeywardSessionsTable;
  keyward_idempotency_keys: KeywardIdempotencyKeysTable;
  keyward_key_versions: KeywardKeyVersionsTable;
  keyward_rotations: KeywardRotationsTable;
  keyward_rotation_traffic: KeywardRotationTrafficTable;
  keyward_rotation_schedules: KeywardRotationSchedulesTable;
  keyward_management_keys: KeywardManagementKeysTable;
  keyward_key_policies: KeywardKeyPoliciesTable;
  keyward_daily_tests: KeywardDailyTestsTable;
  keyward_live_verdicts: KeywardLiveVerdictsTable;
  keyward_alerts: KeywardAlertsTable;
  keyward_alert_channels: KeywardAlertChannelsTable;
  keyward_alert_deliveries: KeywardAlertDeliveriesTable;
}
