-- Rollback of migration 001: drops the five tables and the trigger function.
--
-- It refuses while migration 002 is applied, and while the tables hold anything that 001 did not put
-- there, since nothing could bring that back. To lose such rows on purpose, delete them first.
-- One statement, so that it happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  tables CONSTANT TEXT[] :=
    ARRAY['llm_usage_logs', 'llm_routing_rules', 'user_api_keys', 'llm_models', 'llm_providers'];
  seeds CONSTANT TEXT[] :=
    ARRAY['openai', 'anthropic', 'google', 'openrouter', 'together', 'groq', 'fireworks'];
  name TEXT;
  found BOOLEAN;
  held TEXT[] := '{}';
BEGIN
  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(format('%I.llm_providers', current_schema()))
      AND attname = 'encrypted_api_key' AND NOT attisdropped
  ) THEN
    RAISE EXCEPTION 'migration 002 is applied: roll it back first'
      USING HINT = 'Its rollback keeps a backup of the system keys; this one would drop them.';
  END IF;

  FOREACH name IN ARRAY tables LOOP
    IF to_regclass(format('%I.%I', current_schema(), name)) IS NULL THEN
      CONTINUE;
    END IF;
    EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', current_schema(), name);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I AS held %s)', current_schema(), name,
      CASE name WHEN 'llm_providers' THEN format('WHERE provider_slug <> ALL (%L)', seeds) END) INTO found;
    IF found THEN
      held := held || name;
    END IF;
  END LOOP;
  IF held <> '{}' THEN
    RAISE EXCEPTION 'rows that migration 001 did not write would be lost from: %', array_to_string(held, ', ')
      USING HINT = 'Save them and delete them first; then roll back again.';
  END IF;

  FOREACH name IN ARRAY tables LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', current_schema(), name);
  END LOOP;
  EXECUTE format('DROP FUNCTION IF EXISTS %I.keyward_set_updated_at()', current_schema());
END
$$;
