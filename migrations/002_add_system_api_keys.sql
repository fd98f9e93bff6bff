-- Migration 002: system API keys in llm_providers, encrypted, so that they can change without a restart.
--
-- Adds five columns and two indexes. Existing rows keep working: their source is 'environment'.
-- Nothing is rewritten: a constant default costs no pass over the table. Twice in a row is fine, and a
-- half-applied state is completed. Works in the current schema only.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 002_add_system_api_keys.sql, which does all of it or nothing.

BEGIN;

-- The check and the columns are one statement, so that a table of another shape is never touched.
DO $$
DECLARE
  missing TEXT;
BEGIN
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NULL THEN
    RAISE EXCEPTION 'there is no llm_providers in the schema %', current_schema()
      USING HINT = 'Apply migration 001 first, or set search_path to the schema that holds the table.';
  END IF;

  SELECT string_agg(wanted.name, ', ') INTO missing
  FROM unnest(ARRAY['id', 'provider_slug', 'is_active']) AS wanted (name)
  WHERE NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'llm_providers'::regclass AND attname = wanted.name AND NOT attisdropped
  );
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'llm_providers has another shape: it has no column %', missing
      USING HINT = 'This migration cannot extend that table. Nothing was changed.';
  END IF;

  ALTER TABLE llm_providers
    ADD COLUMN IF NOT EXISTS encrypted_api_key TEXT NULL,
    ADD COLUMN IF NOT EXISTS api_key_source VARCHAR(50) NOT NULL DEFAULT 'environment',
    ADD COLUMN IF NOT EXISTS api_key_updated_at TIMESTAMP NULL,
    ADD COLUMN IF NOT EXISTS api_key_last_tested TIMESTAMP NULL,
    ADD COLUMN IF NOT EXISTS api_key_test_status VARCHAR(20) NULL;

  -- Only a column that was there before can lack these; a new one has them, and no row is read.
  ALTER TABLE llm_providers ALTER COLUMN api_key_source SET DEFAULT 'environment';
  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'llm_providers'::regclass AND attname = 'api_key_source' AND (
      NOT attnotnull
      -- PostgreSQL 18 knows NOT NULL that is NOT VALID: it then guards new rows only.
      OR EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid AND conkey = ARRAY[attnum] AND contype = 'n' AND NOT convalidated)
    )
  ) THEN
    UPDATE llm_providers SET api_key_source = 'environment' WHERE api_key_source IS NULL;
    -- ALTER TABLE refuses while deferred triggers wait for the end of the transaction.
    SET CONSTRAINTS ALL IMMEDIATE;
    ALTER TABLE llm_providers ALTER COLUMN api_key_source SET NOT NULL;
  END IF;
END
$$;

-- A runner may commit here: on a large table the indexes take time, and readers must not wait for them
-- behind the lock of the columns.
-- An empty source says nothing, and counts for the environment; only a column from before can hold one.
DO $$
BEGIN
  IF EXISTS (SELECT FROM llm_providers WHERE api_key_source = '') THEN
    UPDATE llm_providers SET api_key_source = 'environment' WHERE api_key_source = '';
    SET CONSTRAINTS ALL IMMEDIATE;
  END IF;
END
$$;

CREATE INDEX IF NOT EXISTS idx_llm_providers_api_key_source ON llm_providers (api_key_source) WHERE is_active;
CREATE INDEX IF NOT EXISTS idx_llm_providers_has_db_key ON llm_providers (id) WHERE encrypted_api_key IS NOT NULL;

COMMENT ON COLUMN llm_providers.encrypted_api_key IS
  'System API key as a Fernet token under BYOK_ENCRYPTION_KEY, never in the clear; NULL: none. Written by administrators, through Keyward or SQL.';
COMMENT ON COLUMN llm_providers.api_key_source IS
  'Where the system key is found: environment, database, or hybrid (database, else environment). Written by administrators.';
COMMENT ON COLUMN llm_providers.api_key_updated_at IS
  'UTC time the system key was last set or removed. Written with encrypted_api_key.';
COMMENT ON COLUMN llm_providers.api_key_last_tested IS
  'UTC time the system key was last tested at the provider. Written by key tests.';
COMMENT ON COLUMN llm_providers.api_key_test_status IS
  'Result of the last test: valid, invalid, untested or error. Written by key tests; untested when a key is set.';

-- Verification: raises, naming each difference, unless everything above is there as intended.
DO $$
DECLARE
  differences TEXT;
BEGIN
  SELECT string_agg(difference, '; ') INTO differences FROM (
    SELECT format('column %s is %s, expected %s', wanted.name, coalesce(actual.shape, 'missing'), wanted.shape)
    FROM (VALUES
      ('encrypted_api_key', 'text'),
      ('api_key_source', 'character varying(50) NOT NULL DEFAULT ''environment''::character varying'),
      ('api_key_updated_at', 'timestamp without time zone'),
      ('api_key_last_tested', 'timestamp without time zone'),
      ('api_key_test_status', 'character varying(20)')
    ) AS wanted (name, shape)
    LEFT JOIN (
      SELECT attname, concat_ws(' ', format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END,
        'DEFAULT ' || pg_get_expr(adbin, adrelid)) AS shape
      FROM pg_attribute
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE attrelid = 'llm_providers'::regclass AND NOT attisdropped
    ) AS actual ON actual.attname = wanted.name
    WHERE actual.shape IS DISTINCT FROM wanted.shape

    UNION ALL
    SELECT format('column %s has no comment', attname)
    FROM pg_attribute
    WHERE attrelid = 'llm_providers'::regclass
      AND attname IN ('encrypted_api_key', 'api_key_source', 'api_key_updated_at', 'api_key_last_tested', 'api_key_test_status')
      AND col_description(attrelid, attnum) IS NULL

    UNION ALL
    SELECT format('index %s is %s, expected %s', wanted.name, coalesce(actual.shape, 'missing or invalid'), wanted.shape)
    FROM (VALUES
      ('idx_llm_providers_api_key_source', '(api_key_source) WHERE is_active'),
      ('idx_llm_providers_has_db_key', '(id) WHERE encrypted_api_key IS NOT NULL')
    ) AS wanted (name, shape)
    LEFT JOIN (
      SELECT relname, regexp_replace(substring(pg_get_indexdef(indexrelid, 0, TRUE) FROM '\(.*'), ' = true$', '') AS shape
      FROM pg_index
      JOIN pg_class ON pg_class.oid = indexrelid
      WHERE indrelid = 'llm_providers'::regclass AND indisvalid
    ) AS actual ON actual.relname = wanted.name
    WHERE actual.shape IS DISTINCT FROM wanted.shape
  ) AS found (difference);

  IF differences IS NOT NULL THEN
    RAISE EXCEPTION 'migration 002 is not in place: %', differences;
  END IF;
END
$$;

COMMIT;
