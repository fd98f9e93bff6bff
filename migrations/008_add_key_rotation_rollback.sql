-- Rollback of migration 008: no more rotations; the stored keys stay as they are. Versions, rotations, schedules
-- and management credentials stay under the names keyward_saved_*, and a later apply goes on from them. One
-- statement, so that it happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  later TEXT;
  own RECORD;
  holds_rows BOOLEAN := false;
BEGIN
  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
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
    RAISE EXCEPTION 'migration 008 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NOT NULL THEN
    DROP TRIGGER IF EXISTS keyward_providers_versioned ON llm_providers;
    DROP TRIGGER IF EXISTS keyward_providers_versioned_edit ON llm_providers;
    DROP TRIGGER IF EXISTS keyward_providers_versioned_emptying ON llm_providers;
  END IF;
  DROP FUNCTION IF EXISTS keyward_keep_key_version();
  -- The functions of their triggers go with other migrations.
  FOR own IN
    SELECT tgname AS name, relname AS of_table FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
       AND relname IN ('keyward_key_versions', 'keyward_rotations', 'keyward_management_keys')
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %I', own.name, own.of_table);
  END LOOP;
  FOR own IN
    SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
       AND relname IN ('keyward_key_versions', 'keyward_rotations', 'keyward_rotation_schedules', 'keyward_management_keys')
  LOOP
    EXECUTE format('SELECT %L OR EXISTS (SELECT FROM %I)', holds_rows, own.name) INTO holds_rows;
  END LOOP;
  IF holds_rows THEN
    FOR own IN
      SELECT relname AS name, replace(relname, 'keyward_', 'keyward_saved_') AS other_name FROM pg_class
       WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 'S')
         AND relname ~ '^(idx_)?keyward_(key_versions|rotations|rotation_traffic|rotation_schedules|management_keys)'
    LOOP
      EXECUTE format('ALTER TABLE %I RENAME TO %I', own.name, own.other_name);
    END LOOP;
    RAISE NOTICE 'The versions of the keys, their rotations and the management credentials are kept in the tables keyward_saved_*.';
  END IF;
  DROP TABLE IF EXISTS keyward_rotation_traffic;
  DROP TABLE IF EXISTS keyward_rotations;
  DROP TABLE IF EXISTS keyward_key_versions;
  DROP TABLE IF EXISTS keyward_rotation_schedules;
  DROP TABLE IF EXISTS keyward_management_keys;
  DROP FUNCTION IF EXISTS keyward_note_rotation_revision();
END
$$;
