-- Rollback of migration 004: removes Keyward's own tables and triggers. Tokens are lost; provider keys are not
-- touched. One statement, so that it happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  later TEXT;
BEGIN
  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
    SELECT '005' AS version WHERE EXISTS (
      SELECT FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
         AND conname = 'llm_providers_api_key_test_status_check')
    UNION ALL
    SELECT '006' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_audit_events', 'keyward_audit_chain', 'keyward_foreign_changes'))
    UNION ALL
    SELECT '007' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_provider_revisions', 'keyward_key_tests', 'keyward_sessions', 'keyward_idempotency_keys')
    ) OR EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = to_regclass(format('%I.llm_providers', current_schema()))
         AND attname IN ('api_key_binding', 'allow_private_network', 'request_headers') AND NOT attisdropped)
    UNION ALL
    SELECT '008' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_key_versions', 'keyward_rotations', 'keyward_rotation_traffic', 'keyward_rotation_schedules', 'keyward_management_keys'))
    UNION ALL
    SELECT '009' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = 'keyward_encryption_keys'
    ) OR EXISTS (
      SELECT FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace = current_schema()::regnamespace AND attname = 'encrypted_under' AND NOT attisdropped)
    UNION ALL
    SELECT '010' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_key_policies', 'keyward_daily_tests', 'keyward_live_verdicts', 'keyward_alerts', 'keyward_alert_channels', 'keyward_alert_deliveries'))
    UNION ALL
    SELECT '011' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_usage_daily', 'keyward_token_limits', 'keyward_token_minutes', 'keyward_model_aliases'))
    UNION ALL
    SELECT '012' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = 'keyward_usage_hourly')
  ) AS built_on_it;
  IF later IS NOT NULL THEN
    RAISE EXCEPTION 'migration 004 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;

  DROP TRIGGER IF EXISTS keyward_providers_new_key ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_providers_changed ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_providers_edited ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_providers_emptied ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_models_changed ON llm_models;
  DROP TRIGGER IF EXISTS keyward_models_edited ON llm_models;
  DROP TRIGGER IF EXISTS keyward_models_emptied ON llm_models;
  DROP TABLE IF EXISTS keyward_tokens;
  DROP TABLE IF EXISTS keyward_instances;
  DROP TABLE IF EXISTS keyward_installation;
  DROP TABLE IF EXISTS keyward_revision;
  DROP FUNCTION IF EXISTS keyward_forget_old_key();
  DROP FUNCTION IF EXISTS keyward_bump_revision();
END
$$;
