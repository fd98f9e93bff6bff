/**
 * The tables as the query builder sees them, in the shape that the migrations leave behind. Columns
 * that no room reads are left out; SCHEMA-level truth is the SQL in migrations/.
 */
import type { ColumnType, Generated } from 'kysely';

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
}
