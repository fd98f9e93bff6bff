-- Migration 012: usage by hour beside usage by day, for what is drawn of the last 24 hours; and whether users may
-- bring keys of their own is observed like the other settings of a provider.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 012_add_usage_by_hour.sql, which does all of it or nothing.

BEGIN;

CREATE TABLE IF NOT EXISTS keyward_usage_hourly (
    hour     TIMESTAMP NOT NULL,
    provider VARCHAR(100) NOT NULL,
    requests BIGINT NOT NULL DEFAULT 0,
    errors   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, provider)
);
COMMENT ON TABLE keyward_usage_hourly IS 'What was asked of each provider in each hour of the last two days. Written by Keyward with the rows of llm_usage_logs, and cleared.';
COMMENT ON COLUMN keyward_usage_hourly.hour IS 'The beginning of the hour, UTC.';
COMMENT ON COLUMN keyward_usage_hourly.provider IS 'Slug of the provider.';
COMMENT ON COLUMN keyward_usage_hourly.requests IS 'Answered requests.';
COMMENT ON COLUMN keyward_usage_hourly.errors IS 'Those of them that were answered with 400 or above, or broke off.';

-- Whether a key that a user brought serves depends on is_byok_supported: it changes what serves, and a foreign change
-- of it is noted. All else is as 007 has it.
DROP TRIGGER IF EXISTS keyward_providers_edited ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_edited AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
           OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers, OLD.is_byok_supported)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
           NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers, NEW.is_byok_supported))
    EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_providers_edit_noted ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_edit_noted AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
           OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers, OLD.is_byok_supported)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
           NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers, NEW.is_byok_supported))
    EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_providers_revised_edit ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_revised_edit AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
           OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers, OLD.is_byok_supported)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
           NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers, NEW.is_byok_supported))
    EXECUTE FUNCTION keyward_note_provider_revision();

COMMIT;
