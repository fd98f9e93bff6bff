-- Rollback of migration 012: usage by hour is lost, usage by day and the rows of llm_usage_logs stay. Whether users may
-- bring keys of their own stays as it is set; a change of it moves no revision any more. One statement, so that it
-- happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  own RECORD;
BEGIN
  DROP TABLE IF EXISTS keyward_usage_hourly;

  -- As 007 left them; twice in a row, and where 007 is gone, there is nothing of 012 in them.
  FOR own IN
    SELECT name, calls FROM (VALUES
      ('keyward_providers_edited', 'keyward_bump_revision'),
      ('keyward_providers_edit_noted', 'keyward_note_foreign_change'),
      ('keyward_providers_revised_edit', 'keyward_note_provider_revision')) AS made (name, calls)
     WHERE EXISTS (
       SELECT FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = current_schema()::regnamespace AND relname = 'llm_providers' AND tgname = name
          AND pg_get_triggerdef(pg_trigger.oid) LIKE '%is_byok_supported%')
  LOOP
    EXECUTE format('DROP TRIGGER %I ON llm_providers', own.name);
    EXECUTE format(
      'CREATE CONSTRAINT TRIGGER %I AFTER UPDATE ON llm_providers
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
           WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
                  OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers)
                 IS DISTINCT FROM
                 (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
                  NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers))
           EXECUTE FUNCTION %I()', own.name, own.calls);
  END LOOP;
END
$$;
