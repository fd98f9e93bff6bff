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
}

interface LlmModelsTable {
  id: Generated<number>;
  provider_id: number;
  model_id: string;
  model_name: string;
  is_active: boolean | null;
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
  created_at: Timestamp;
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
  keyward_revision: KeywardRevisionTable;
  keyward_installation: KeywardInstallationTable;
  keyward_instances: KeywardInstancesTable;
  keyward_tokens: KeywardTokensTable;
  keyward_migrations: KeywardMigrationsTable;
  keyward_audit_events: KeywardAuditEventsTable;
  keyward_audit_chain: KeywardAuditChainTable;
  keyward_foreign_changes: KeywardForeignChangesTable;
  keyward_provider_revisions: KeywardProviderRevisionsTable;
  keyward_key_tests: KeywardKeyTestsTable;
  keyward_sessions: KeywardSessionsTable;
  keyward_idempotency_keys: KeywardIdempotencyKeysTable;
}
