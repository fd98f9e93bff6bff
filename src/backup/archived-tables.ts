/**
 * Which tables an archive holds, in the order in which they are loaded, and which it leaves out and why. Every
 * table that a migration makes stands in one of the two lists: a test fails where one stands in neither.
 */

export interface ArchivedTable {
  readonly table: string;
  /** Its primary key, by which its rows are ordered. */
  readonly key: readonly string[];
  /** Its rows refer to each other, so all of them are loaded by one statement. */
  readonly refersToItself?: true;
}

/**
 * First what the triggers of all others look at: the revision that they move, and the trail in which they look for
 * the event of their transaction. Then each table behind those that it refers to. The versions of keys come behind
 * the providers, whose triggers make versions of their own, and the revisions of the providers behind everything
 * that moves them.
 */
export const archivedTables: readonly ArchivedTable[] = [
  { table: 'keyward_revision', key: ['only_row'] },
  { table: 'keyward_installation', key: ['only_row'] },
  { table: 'keyward_audit_chain', key: ['only_row'] },
  { table: 'keyward_audit_events', key: ['sequence'] },
  { table: 'keyward_foreign_changes', key: ['id'] },
  { table: 'keyward_encryption_keys', key: ['key_id'] },
  { table: 'llm_providers', key: ['id'] },
  { table: 'llm_models', key: ['id'], refersToItself: true },
  { table: 'user_api_keys', key: ['id'] },
  { table: 'llm_routing_rules', key: ['id'] },
  { table: 'keyward_tokens', key: ['id'] },
  { table: 'keyward_token_limits', key: ['token_id'] },
  { table: 'keyward_model_aliases', key: ['alias'] },
  { table: 'keyward_usage_daily', key: ['day', 'provider', 'model', 'gateway_token_id', 'key_fingerprint'] },
  { table: 'keyward_key_tests', key: ['id'] },
  { table: 'keyward_key_versions', key: ['id'] },
  { table: 'keyward_rotations', key: ['id'] },
  { table: 'keyward_rotation_traffic', key: ['rotation_id', 'instance_id', 'which_key'] },
  { table: 'keyward_rotation_schedules', key: ['provider_id'] },
  { table: 'keyward_management_keys', key: ['provider_id'] },
  { table: 'keyward_key_policies', key: ['provider_id'] },
  { table: 'keyward_daily_tests', key: ['provider_id', 'day'] },
  { table: 'keyward_live_verdicts', key: ['provider_id', 'fingerprint', 'verdict'] },
  { table: 'keyward_alerts', key: ['id'] },
  { table: 'keyward_alert_channels', key: ['id'] },
  { table: 'keyward_alert_deliveries', key: ['id'] },
  { table: 'keyward_provider_revisions', key: ['provider_id'] },
  { table: 'llm_usage_logs', key: ['id'] },
];

/** Left out unless it is asked for: it may be larger than everything else together, and nothing needs it. */
export const optionalTable = 'llm_usage_logs';

export const leftOutTables: Readonly<Record<string, string>> = {
  keyward_instances: 'says which servers run now',
  keyward_token_minutes: 'counts of the last minutes',
  keyward_usage_hourly: 'counts of the last two days; those by day are in it',
  keyward_sessions: 'whoever is signed in signs in again',
  keyward_idempotency_keys: 'answers kept for repeated requests, good for a day; and counts of attempts',
  keyward_migrations: 'a restore applies the migrations anew and writes its own',
};
