-- Rollback of migration 010: no more daily tests, no more alerts; both are lost, the history of key tests stays.
-- Policies and channels stay under the names keyward_health_saved_*, and a later apply brings them back. One
-- statement, so that it happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  later TEXT;
  own RECORD;
  holds_rows BOOLEAN := false;
BEGIN
  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
    SELECT '011' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_usage_daily', 'keyward_token_limits', 'keyward_token_minutes', 'keyward_model_aliases'))
    UNION ALL
    SELECT '012' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = 'keyward_usage_hourly')
  ) AS built_on_it;
  IF later IS NOT NULL THEN
    RAISE EXCEPTION 'migration 010 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;
  DROP TABLE IF EXISTS keyward_alert_deliveries;
  DROP TABLE IF EXISTS keyward_alerts;
  DROP TABLE IF EXISTS keyward_live_verdicts;
  DROP TABLE IF EXISTS keyward_daily_tests;
  -- The functions of their triggers go with other migrations.
  FOR own IN
    SELECT tgname AS name, relname AS of_table FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
       AND relname IN ('keyward_key_policies', 'keyward_alert_channels')
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %I', own.name, own.of_table);
  END LOOP;
  FOR own IN
    SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
       AND relname IN ('keyward_key_policies', 'keyward_alert_channels')
  LOOP
    EXECUTE format('SELECT %L OR EXISTS (SELECT FROM %I)', holds_rows, own.name) INTO holds_rows;
  END LOOP;
  IF holds_rows THEN
    FOR own IN
      SELECT relname AS name, replace(relname, 'keyward_', 'keyward_health_saved_') AS other_name FROM pg_class
       WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 'S')
         AND relname ~ '^(idx_)?keyward_(key_policies|alert_channels)'
    LOOP
      EXECUTE format('ALTER TABLE %I RENAME TO %I', own.name, own.other_name);
    END LOOP;
    RAISE NOTICE 'The policies of keys and the channels of alerts are kept in the tables keyward_health_saved_*.';
  END IF;
  DROP TABLE IF EXISTS keyward_key_policies;
  DROP TABLE IF EXISTS keyward_alert_channels;
END
$$;
