-- Rollback of migration 002: takes the five columns and two indexes out of llm_providers.
--
-- The encrypted keys go into the table llm_providers_system_keys_backup_002 first, still encrypted;
-- later rollbacks add to it and nothing here removes from it. Sources of providers without a key
-- return to the environment. One statement, so that it happens whole or not at all. Twice is fine.

DO $$
DECLARE
  later TEXT;
  expected BIGINT;
  saved BIGINT;
BEGIN
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NULL THEN
    RAISE NOTICE 'There is no llm_providers in the schema %: nothing to roll back.', current_schema();
    RETURN;
  END IF;

  SELECT string_agg(version, ', ' ORDER BY version DESC) INTO later FROM (
    SELECT '004' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_revision', 'keyward_installation', 'keyward_instances', 'keyward_tokens'))
    UNION ALL
    SELECT '005' AS version WHERE EXISTS (
      SELECT FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
         AND conname = 'llm_providers_api_key_test_status_check')
    UNION ALL
    SELECT '006' AS version WHERE EXISTS (
      SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname IN ('keyward_audit_events', 'keyward_audit_chain', 'keyward_foreign_changes'))
    UNION ALL
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
    RAISE EXCEPTION 'migration 002 cannot be rolled back while later ones are there: %', later
      USING HINT = 'Nothing was changed. Roll those back first, in the order in which they are named.';
  END IF;

  -- No writer may slip a key in between the backup and the drop.
  LOCK TABLE llm_providers IN ACCESS EXCLUSIVE MODE;

  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'llm_providers'::regclass AND attname = 'encrypted_api_key' AND NOT attisdropped
  ) THEN
    SELECT count(*) INTO expected FROM llm_providers WHERE encrypted_api_key IS NOT NULL;
  END IF;

  IF expected > 0 THEN
    CREATE TABLE IF NOT EXISTS llm_providers_system_keys_backup_002 (
      provider_slug VARCHAR(100) NOT NULL,
      encrypted_api_key TEXT NOT NULL,
      api_key_source VARCHAR(50),
      api_key_updated_at TIMESTAMP,
      api_key_last_tested TIMESTAMP,
      api_key_test_status VARCHAR(20),
      backed_up_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
      PRIMARY KEY (provider_slug, backed_up_at)
    );
    COMMENT ON TABLE llm_providers_system_keys_backup_002 IS
      'System keys that a rollback of migration 002 took out of llm_providers, still encrypted. Written by that rollback.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.provider_slug IS 'The provider that the key belongs to.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.encrypted_api_key IS 'The key as it was, a Fernet token.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.api_key_source IS 'api_key_source as it was.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.api_key_updated_at IS 'api_key_updated_at as it was, UTC.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.api_key_last_tested IS 'api_key_last_tested as it was, UTC.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.api_key_test_status IS 'api_key_test_status as it was.';
    COMMENT ON COLUMN llm_providers_system_keys_backup_002.backed_up_at IS 'UTC time of the rollback that saved the key.';

    -- By way of JSON, since in a half-applied state some of the other columns may be missing.
    INSERT INTO llm_providers_system_keys_backup_002 (
      provider_slug, encrypted_api_key, api_key_source,
      api_key_updated_at, api_key_last_tested, api_key_test_status
    )
    SELECT
      provider_slug, encrypted_api_key, fields ->> 'api_key_source',
      (fields ->> 'api_key_updated_at')::TIMESTAMP, (fields ->> 'api_key_last_tested')::TIMESTAMP,
      fields ->> 'api_key_test_status'
    FROM llm_providers, to_jsonb(llm_providers) AS fields
    WHERE encrypted_api_key IS NOT NULL;

    GET DIAGNOSTICS saved = ROW_COUNT;
    IF saved <> expected THEN
      RAISE EXCEPTION 'only % of % keys could be saved; nothing was changed', saved, expected;
    END IF;
    RAISE WARNING 'llm_providers loses % encrypted system key(s); they are saved in llm_providers_system_keys_backup_002', saved
      USING HINT = 'To bring them back, apply 002 again and run: '
        'UPDATE llm_providers AS p SET encrypted_api_key = b.encrypted_api_key, '
        'api_key_source = coalesce(b.api_key_source, p.api_key_source), api_key_updated_at = b.api_key_updated_at, '
        'api_key_last_tested = b.api_key_last_tested, api_key_test_status = b.api_key_test_status '
        'FROM (SELECT DISTINCT ON (provider_slug) * FROM llm_providers_system_keys_backup_002 '
        'ORDER BY provider_slug, backed_up_at DESC) AS b '
        'WHERE b.provider_slug = p.provider_slug AND p.encrypted_api_key IS NULL;';
  END IF;

  EXECUTE format('DROP INDEX IF EXISTS %1$I.idx_llm_providers_api_key_source, %1$I.idx_llm_providers_has_db_key',
    current_schema());
  ALTER TABLE llm_providers
    DROP COLUMN IF EXISTS encrypted_api_key,
    DROP COLUMN IF EXISTS api_key_source,
    DROP COLUMN IF EXISTS api_key_updated_at,
    DROP COLUMN IF EXISTS api_key_last_tested,
    DROP COLUMN IF EXISTS api_key_test_status;
END
$$;
