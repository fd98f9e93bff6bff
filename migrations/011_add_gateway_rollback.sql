-- Rollback of migration 011: tokens have no limits and no owners, and usage by day is lost; the rows of
-- llm_usage_logs stay, without what 011 added to them. Limits and aliases stay under the names
-- keyward_gateway_saved_*, and a later apply brings them back. One statement, so that it happens whole or not at
-- all. Twice in a row is fine.

DO $$
DECLARE
  own RECORD;
  holds_rows BOOLEAN := false;
BEGIN
  IF EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = 'keyward_usage_hourly') THEN
    RAISE EXCEPTION 'migration 011 cannot be rolled back while later ones are there: 012'
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;
  DROP TABLE IF EXISTS keyward_usage_daily;
  DROP TABLE IF EXISTS keyward_token_minutes;
  -- The functions of their triggers go with other migrations.
  FOR own IN
    SELECT tgname AS name, relname AS of_table FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
       AND (relname IN ('keyward_token_limits', 'keyward_model_aliases')
            OR (relname = 'user_api_keys' AND tgname LIKE 'keyward\_user\_keys\_%'))
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %I', own.name, own.of_table);
  END LOOP;
  FOR own IN
    SELECT attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = 'llm_usage_logs'
       AND NOT attisdropped
       AND attname IN ('model_name', 'endpoint', 'gateway_token_id', 'key_fingerprint', 'time_to_first_token_ms', 'attempts')
  LOOP
    EXECUTE format('ALTER TABLE llm_usage_logs DROP COLUMN %I', own.name);
  END LOOP;
  FOR own IN
    SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
       AND relname IN ('keyward_token_limits', 'keyward_model_aliases')
  LOOP
    EXECUTE format('SELECT %L OR EXISTS (SELECT FROM %I)', holds_rows, own.name) INTO holds_rows;
  END LOOP;
  IF holds_rows THEN
    FOR own IN
      SELECT relname AS name, replace(relname, 'keyward_', 'keyward_gateway_saved_') AS other_name FROM pg_class
       WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i')
         AND relname ~ '^keyward_(token_limits|model_aliases)'
    LOOP
      EXECUTE format('ALTER TABLE %I RENAME TO %I', own.name, own.other_name);
    END LOOP;
    RAISE NOTICE 'The limits of tokens and the aliases of models are kept in the tables keyward_gateway_saved_*.';
  END IF;
  DROP TABLE IF EXISTS keyward_token_limits;
  DROP TABLE IF EXISTS keyward_model_aliases;
END
$$;
