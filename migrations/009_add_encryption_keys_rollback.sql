-- Rollback of migration 009: nobody says any more which encryption keys are in use. Stored tokens stay as they
-- are, under the keys that encrypted them. One statement, so that it happens whole or not at all. Twice in a row
-- is fine.

DO $$
DECLARE
  later TEXT;
  own RECORD;
BEGIN
  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
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
    RAISE EXCEPTION 'migration 009 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;
  DROP TABLE IF EXISTS keyward_encryption_keys;
  FOR own IN
    SELECT relname AS of_table, attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT attisdropped
       AND (attname = 'encrypted_under' OR (relname = 'keyward_instances' AND attname = 'encryption_key_ids'))
  LOOP
    EXECUTE format('ALTER TABLE %I DROP COLUMN %I', own.of_table, own.name);
  END LOOP;
END
$$;
