-- Rollback of migration 007: roles, sessions, the history of tests and the bindings of keys are lost; keys
-- and tokens are not touched. Twice in a row is fine.

DROP TABLE IF EXISTS keyward_idempotency_keys;
DROP TABLE IF EXISTS keyward_sessions;
DROP TABLE IF EXISTS keyward_key_tests;
DROP TRIGGER IF EXISTS keyward_providers_revised_edit ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_revised ON llm_providers;
DROP TABLE IF EXISTS keyward_provider_revisions;
DROP FUNCTION IF EXISTS keyward_note_provider_revision();
DROP TRIGGER IF EXISTS keyward_providers_new_binding ON llm_providers;
DROP FUNCTION IF EXISTS keyward_forget_old_binding();
DROP TRIGGER IF EXISTS keyward_providers_edited ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_edit_noted ON llm_providers;
DROP TRIGGER IF EXISTS keyward_tokens_changed ON keyward_tokens;
DROP TRIGGER IF EXISTS keyward_tokens_edit_noted ON keyward_tokens;

-- As 004 and 006 left them.
DO $$
BEGIN
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NOT NULL
     AND to_regprocedure(format('%I.keyward_bump_revision()', current_schema())) IS NOT NULL THEN
    CREATE CONSTRAINT TRIGGER keyward_providers_edited AFTER UPDATE ON llm_providers
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status)
              IS DISTINCT FROM
              (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status))
        EXECUTE FUNCTION keyward_bump_revision();
    CREATE CONSTRAINT TRIGGER keyward_tokens_changed AFTER INSERT OR UPDATE OR DELETE ON keyward_tokens
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
  END IF;
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NOT NULL
     AND to_regprocedure(format('%I.keyward_note_foreign_change()', current_schema())) IS NOT NULL THEN
    CREATE CONSTRAINT TRIGGER keyward_providers_edit_noted AFTER UPDATE ON llm_providers
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status)
              IS DISTINCT FROM
              (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status))
        EXECUTE FUNCTION keyward_note_foreign_change();
    CREATE CONSTRAINT TRIGGER keyward_tokens_edit_noted AFTER UPDATE OF kind, name, token_hash, revoked_at ON keyward_tokens
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();
  END IF;
END
$$;

ALTER TABLE IF EXISTS keyward_tokens
    DROP COLUMN IF EXISTS role,
    DROP COLUMN IF EXISTS expires_at,
    DROP COLUMN IF EXISTS last_used_at;
ALTER TABLE IF EXISTS llm_providers
    DROP COLUMN IF EXISTS api_key_binding,
    DROP COLUMN IF EXISTS allow_private_network,
    DROP COLUMN IF EXISTS request_headers;
