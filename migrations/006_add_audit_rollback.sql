-- Rollback of migration 006: no more events are written. The trail that is there stays, under the names
-- keyward_audit_saved_* and as well guarded as before; a later apply goes on from it. One statement, so that
-- it happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  later TEXT;
  kept RECORD;
  holds_rows BOOLEAN := false;
BEGIN
  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
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
    RAISE EXCEPTION 'migration 006 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;

  DROP TRIGGER IF EXISTS keyward_providers_noted ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_providers_edit_noted ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_providers_emptying_noted ON llm_providers;
  DROP TRIGGER IF EXISTS keyward_tokens_noted ON keyward_tokens;
  DROP TRIGGER IF EXISTS keyward_tokens_edit_noted ON keyward_tokens;
  DROP TRIGGER IF EXISTS keyward_tokens_emptying_noted ON keyward_tokens;
  DROP FUNCTION IF EXISTS keyward_note_foreign_change();

  -- Other names instead of copies: that takes no time, however long the trail is, and nothing of it is written anew.
  FOR kept IN
    SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
       AND relname IN ('keyward_audit_events', 'keyward_audit_chain', 'keyward_foreign_changes')
  LOOP
    EXECUTE format('SELECT %L OR EXISTS (SELECT FROM %I)', holds_rows, kept.name) INTO holds_rows;
  END LOOP;
  IF holds_rows THEN
    FOR kept IN
      SELECT relname AS name,
             replace(replace(relname, 'keyward_audit', 'keyward_audit_saved'), 'keyward_foreign', 'keyward_audit_saved_foreign') AS other_name
        FROM pg_class
       WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 'S')
         AND relname ~ '^(idx_)?keyward_(audit_events|audit_chain|foreign_changes)'
    LOOP
      EXECUTE format('ALTER TABLE %I RENAME TO %I', kept.name, kept.other_name);
    END LOOP;
    ALTER FUNCTION keyward_utc(TEXT) RENAME TO keyward_audit_saved_utc;
    ALTER FUNCTION keyward_refuse_audit_change() RENAME TO keyward_audit_saved_refuse_change;
    ALTER FUNCTION keyward_keep_foreign_change() RENAME TO keyward_audit_saved_keep_change;
    IF to_regprocedure(format('%I.keyward_keep_audit_key()', current_schema())) IS NOT NULL THEN
      ALTER FUNCTION keyward_keep_audit_key() RENAME TO keyward_audit_saved_keep_key;
    END IF;
    RAISE NOTICE 'The audit trail is kept in the tables keyward_audit_saved_*.';
  END IF;

  DROP TABLE IF EXISTS keyward_foreign_changes;
  DROP TABLE IF EXISTS keyward_audit_chain;
  DROP TABLE IF EXISTS keyward_audit_events;
  DROP FUNCTION IF EXISTS keyward_keep_audit_key();
  DROP FUNCTION IF EXISTS keyward_keep_foreign_change();
  DROP FUNCTION IF EXISTS keyward_refuse_audit_change();
  DROP FUNCTION IF EXISTS keyward_utc(TEXT);
END
$$;
