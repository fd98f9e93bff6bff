-- Rollback of migration 007: roles, sessions, the history of tests and the answers to repeated requests are
-- lost; keys are not touched. What was set of providers and the bindings of keys go into the table
-- llm_providers_settings_backup_007, and a later apply brings them back. One
-- statement, so that it happens whole or not at all. Twice in a row is fine.

DO $$
DECLARE
  later TEXT;
BEGIN
  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
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
    RAISE EXCEPTION 'migration 007 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;

  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(format('%I.llm_providers', current_schema())) AND attname = 'api_key_binding' AND NOT attisdropped
  ) THEN
    -- No writer may change anything between the backup and the drop.
    LOCK TABLE llm_providers IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (
      SELECT FROM llm_providers WHERE api_key_binding IS NOT NULL OR allow_private_network OR request_headers IS NOT NULL
    ) THEN
      CREATE TABLE IF NOT EXISTS llm_providers_settings_backup_007 (
          provider_slug         VARCHAR(100) PRIMARY KEY,
          key_hash              CHAR(64),
          api_key_binding       TEXT,
          allow_private_network BOOLEAN NOT NULL,
          request_headers       JSONB,
          settings_are_back     BOOLEAN NOT NULL DEFAULT false,
          backed_up_at          TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
      );
      COMMENT ON TABLE llm_providers_settings_backup_007 IS 'What a rollback of migration 007 took out of llm_providers. Written by that rollback.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.provider_slug IS 'The provider that it belongs to.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.key_hash IS 'SHA-256 of encrypted_api_key as it was, in hex: the binding belongs to that key alone. NULL: there was no key.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.api_key_binding IS 'api_key_binding as it was.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.allow_private_network IS 'allow_private_network as it was.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.request_headers IS 'request_headers as it was.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.settings_are_back IS 'The provider has its settings again, and only the binding still waits for its key. Written by migration 007.';
      COMMENT ON COLUMN llm_providers_settings_backup_007.backed_up_at IS 'UTC time of the rollback that saved it.';
      INSERT INTO llm_providers_settings_backup_007 (provider_slug, key_hash, api_key_binding, allow_private_network, request_headers)
        SELECT provider_slug, encode(sha256(convert_to(encrypted_api_key, 'UTF8')), 'hex'), api_key_binding, allow_private_network, request_headers
          FROM llm_providers
         WHERE api_key_binding IS NOT NULL OR allow_private_network OR request_headers IS NOT NULL
        ON CONFLICT (provider_slug) DO UPDATE
           SET key_hash = EXCLUDED.key_hash, api_key_binding = EXCLUDED.api_key_binding,
               allow_private_network = EXCLUDED.allow_private_network, request_headers = EXCLUDED.request_headers,
               settings_are_back = false, backed_up_at = EXCLUDED.backed_up_at;
      RAISE NOTICE 'Settings of providers and bindings of keys are kept in the table llm_providers_settings_backup_007.';
    END IF;
  END IF;

  -- Without roles and dates such a token would be good for everything, for ever.
  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(format('%I.keyward_tokens', current_schema())) AND attname = 'expires_at' AND NOT attisdropped
  ) THEN
    LOCK TABLE keyward_tokens IN ACCESS EXCLUSIVE MODE;
    UPDATE keyward_tokens SET revoked_at = now() AT TIME ZONE 'UTC'
     WHERE revoked_at IS NULL AND (role = 'viewer' OR expires_at IS NOT NULL);
    -- ALTER TABLE refuses while deferred triggers wait for the end of the transaction.
    SET CONSTRAINTS ALL IMMEDIATE;
  END IF;

  DROP TABLE IF EXISTS keyward_idempotency_keys;
  DROP TABLE IF EXISTS keyward_sessions;
  DROP TABLE IF EXISTS keyward_key_tests;
  DROP TRIGGER IF EXISTS keyward_providers_revised_emptying ON llm_providers;
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
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NOT NULL
     AND to_regclass(format('%I.keyward_tokens', current_schema())) IS NOT NULL
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
     AND to_regclass(format('%I.keyward_tokens', current_schema())) IS NOT NULL
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

  ALTER TABLE IF EXISTS keyward_tokens
      DROP COLUMN IF EXISTS role,
      DROP COLUMN IF EXISTS expires_at,
      DROP COLUMN IF EXISTS last_used_at;
  ALTER TABLE IF EXISTS llm_providers
      DROP COLUMN IF EXISTS api_key_binding,
      DROP COLUMN IF EXISTS allow_private_network,
      DROP COLUMN IF EXISTS request_headers;
END
$$;
