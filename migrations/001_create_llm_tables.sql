-- Migration 001: the five tables of LLM providers, models, user keys, routing rules and usage logs.
--
-- They are the tables that platforms in the field already have, so a fresh database and an adopted one
-- are alike. In a database of that shape this file only adds comments where there are none; at an
-- llm_providers of another shape it stops and says what is missing. Works in the current schema only.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 001_create_llm_tables.sql, which does all of it or nothing.
--
-- Every TIMESTAMP holds UTC. The column defaults write the session's local time, as the field's do,
-- so sessions set TimeZone to UTC; the updated_at trigger writes UTC whatever the session says.

BEGIN;

DO $$
DECLARE
  missing TEXT;
BEGIN
  IF to_regclass('llm_providers') IS DISTINCT FROM to_regclass(format('%I.llm_providers', current_schema())) THEN
    RAISE EXCEPTION 'llm_providers resolves to %, which is outside the current schema %',
      to_regclass('llm_providers'), current_schema()
      USING HINT = 'Set search_path to the one schema that holds the tables.';
  END IF;

  SELECT string_agg(wanted.name, ', ') INTO missing
  FROM unnest(ARRAY['provider_name', 'provider_slug', 'display_name', 'base_url', 'is_active', 'health_status'])
    AS wanted (name)
  WHERE to_regclass('llm_providers') IS NOT NULL
    AND NOT EXISTS (
      SELECT FROM pg_attribute
      WHERE attrelid = to_regclass('llm_providers') AND attname = wanted.name AND NOT attisdropped
    );
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'llm_providers exists in another shape: it has no column %', missing
      USING HINT = 'This migration cannot adopt that table. Point it at another database or schema.';
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS llm_providers (
  id SERIAL PRIMARY KEY,
  provider_name VARCHAR(100) UNIQUE NOT NULL,
  provider_slug VARCHAR(100) UNIQUE NOT NULL,
  display_name VARCHAR(200) NOT NULL,
  description TEXT,
  base_url VARCHAR(500),
  auth_type VARCHAR(50) DEFAULT 'api_key' NOT NULL,
  supports_streaming BOOLEAN DEFAULT TRUE,
  supports_function_calling BOOLEAN DEFAULT FALSE,
  supports_vision BOOLEAN DEFAULT FALSE,
  rate_limit_rpm INTEGER,
  rate_limit_tpm INTEGER,
  rate_limit_rpd INTEGER,
  is_active BOOLEAN DEFAULT TRUE,
  is_byok_supported BOOLEAN DEFAULT TRUE,
  is_system_provider BOOLEAN DEFAULT FALSE,
  api_key_format VARCHAR(100),
  documentation_url VARCHAR(500),
  pricing_url VARCHAR(500),
  status_page_url VARCHAR(500),
  health_status VARCHAR(50) DEFAULT 'unknown',
  health_last_checked TIMESTAMP,
  health_response_time_ms INTEGER,
  min_tier_required VARCHAR(50) DEFAULT 'free',
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);

CREATE INDEX IF NOT EXISTS idx_llm_providers_active ON llm_providers (is_active);
CREATE INDEX IF NOT EXISTS idx_llm_providers_slug ON llm_providers (provider_slug);
CREATE INDEX IF NOT EXISTS idx_llm_providers_health ON llm_providers (health_status, is_active);

CREATE TABLE IF NOT EXISTS llm_models (
  id SERIAL PRIMARY KEY,
  provider_id INTEGER NOT NULL REFERENCES llm_providers (id) ON DELETE CASCADE,
  model_name VARCHAR(200) NOT NULL,
  model_id VARCHAR(200) NOT NULL,
  display_name VARCHAR(200) NOT NULL,
  description TEXT,
  max_tokens INTEGER DEFAULT 4096 NOT NULL,
  context_window INTEGER DEFAULT 8192 NOT NULL,
  supports_streaming BOOLEAN DEFAULT TRUE,
  supports_function_calling BOOLEAN DEFAULT FALSE,
  supports_vision BOOLEAN DEFAULT FALSE,
  supports_json_mode BOOLEAN DEFAULT FALSE,
  cost_per_1m_input_tokens DECIMAL(10, 6),
  cost_per_1m_output_tokens DECIMAL(10, 6),
  cost_per_1m_tokens_cached DECIMAL(10, 6),
  power_level VARCHAR(50),
  power_level_priority INTEGER DEFAULT 999,
  is_active BOOLEAN DEFAULT TRUE,
  is_deprecated BOOLEAN DEFAULT FALSE,
  deprecation_date TIMESTAMP,
  replacement_model_id INTEGER REFERENCES llm_models (id),
  min_tier_required VARCHAR(50) DEFAULT 'free',
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  UNIQUE (provider_id, model_id)
);

CREATE TABLE IF NOT EXISTS user_api_keys (
  id SERIAL PRIMARY KEY,
  user_id VARCHAR(255) NOT NULL,
  provider_id INTEGER NOT NULL REFERENCES llm_providers (id) ON DELETE CASCADE,
  key_name VARCHAR(200),
  encrypted_api_key TEXT NOT NULL,
  key_prefix VARCHAR(20),
  key_suffix VARCHAR(20),
  is_active BOOLEAN DEFAULT TRUE,
  is_validated BOOLEAN DEFAULT FALSE,
  validation_error TEXT,
  last_validated_at TIMESTAMP,
  total_requests BIGINT DEFAULT 0,
  total_tokens BIGINT DEFAULT 0,
  total_cost_usd DECIMAL(10, 6) DEFAULT 0,
  last_used_at TIMESTAMP,
  created_ip VARCHAR(100),
  last_rotated_at TIMESTAMP,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  UNIQUE (user_id, provider_id)
);

CREATE TABLE IF NOT EXISTS llm_routing_rules (
  id SERIAL PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES llm_models (id),
  power_level VARCHAR(50) NOT NULL,
  user_tier VARCHAR(50) NOT NULL,
  task_type VARCHAR(100),
  priority INTEGER DEFAULT 100,
  weight INTEGER DEFAULT 100,
  min_tokens INTEGER,
  max_tokens INTEGER,
  requires_byok BOOLEAN DEFAULT FALSE,
  is_fallback BOOLEAN DEFAULT FALSE,
  fallback_order INTEGER,
  is_active BOOLEAN DEFAULT TRUE,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS llm_usage_logs (
  id BIGSERIAL PRIMARY KEY,
  user_id VARCHAR(255) NOT NULL,
  provider_id INTEGER REFERENCES llm_providers (id) ON DELETE SET NULL,
  model_id INTEGER REFERENCES llm_models (id) ON DELETE SET NULL,
  user_key_id INTEGER REFERENCES user_api_keys (id) ON DELETE SET NULL,
  request_id VARCHAR(100) UNIQUE,
  power_level VARCHAR(50),
  task_type VARCHAR(100),
  prompt_tokens INTEGER DEFAULT 0,
  completion_tokens INTEGER DEFAULT 0,
  total_tokens INTEGER DEFAULT 0,
  cached_tokens INTEGER DEFAULT 0,
  cost_input_usd DECIMAL(10, 6),
  cost_output_usd DECIMAL(10, 6),
  cost_total_usd DECIMAL(10, 6),
  used_byok BOOLEAN DEFAULT FALSE,
  latency_ms INTEGER,
  tokens_per_second DECIMAL(10, 2),
  status_code INTEGER,
  error_message TEXT,
  was_fallback BOOLEAN DEFAULT FALSE,
  fallback_reason TEXT,
  request_ip VARCHAR(100),
  user_agent TEXT,
  session_id VARCHAR(255),
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);

-- An adopted table keeps the updated_at trigger that it has; only a table without one gets ours.
DO $$
DECLARE
  untended TEXT[];
  tended TEXT;
BEGIN
  SELECT array_agg(candidate.name) INTO untended
  FROM unnest(ARRAY['llm_providers', 'llm_models', 'user_api_keys', 'llm_routing_rules']) AS candidate (name)
  WHERE NOT EXISTS (
    SELECT FROM pg_trigger
    JOIN pg_proc ON pg_proc.oid = pg_trigger.tgfoid
    WHERE pg_trigger.tgrelid = candidate.name::regclass
      AND pg_get_triggerdef(pg_trigger.oid) LIKE '%BEFORE%UPDATE%'
      AND pg_get_triggerdef(pg_trigger.oid) || pg_proc.prosrc LIKE '%updated_at%'
  );
  IF untended IS NULL THEN
    RETURN;
  END IF;

  CREATE OR REPLACE FUNCTION keyward_set_updated_at() RETURNS TRIGGER LANGUAGE plpgsql AS $function$
  BEGIN
    NEW.updated_at := timezone('UTC', now());
    RETURN NEW;
  END
  $function$;
  COMMENT ON FUNCTION keyward_set_updated_at() IS
    'Sets updated_at to the time of the transaction, in UTC whatever the TimeZone of the session.';

  FOREACH tended IN ARRAY untended LOOP
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION keyward_set_updated_at()',
      tended || '_set_updated_at', tended
    );
  END LOOP;
END
$$;

-- Seeds go into an empty table only, so that a provider which somebody deleted stays deleted.
INSERT INTO llm_providers (
  provider_name, provider_slug, display_name, description, base_url,
  supports_function_calling, supports_vision,
  api_key_format, documentation_url, pricing_url, status_page_url
)
SELECT * FROM (VALUES
  ('OpenAI', 'openai', 'OpenAI', 'GPT and o-series models', 'https://api.openai.com/v1',
    TRUE, TRUE,
    '^sk-(proj-|svcacct-|service-|[A-Za-z0-9]+T3BlbkFJ)[A-Za-z0-9_-]+$',
    'https://platform.openai.com/docs', 'https://openai.com/api/pricing', 'https://status.openai.com'),
  ('Anthropic', 'anthropic', 'Anthropic', 'Claude models', 'https://api.anthropic.com/v1',
    TRUE, TRUE,
    '^sk-ant-api03-[A-Za-z0-9_-]{93}AA$',
    'https://docs.anthropic.com', 'https://www.anthropic.com/pricing', 'https://status.anthropic.com'),
  ('Google', 'google', 'Google AI', 'Gemini models', 'https://generativelanguage.googleapis.com/v1beta/openai',
    TRUE, TRUE,
    '^(AIza[A-Za-z0-9_-]{35}|AQ\..+)$',
    'https://ai.google.dev/gemini-api/docs', 'https://ai.google.dev/gemini-api/docs/pricing',
    'https://aistudio.google.com/status'),
  ('OpenRouter', 'openrouter', 'OpenRouter', 'Models of many providers behind one key', 'https://openrouter.ai/api/v1',
    TRUE, TRUE,
    '^sk-or-v1-[0-9a-f]{64}$',
    'https://openrouter.ai/docs', 'https://openrouter.ai/models', 'https://status.openrouter.ai'),
  ('Together', 'together', 'Together AI', 'Open models, hosted', 'https://api.together.xyz/v1',
    TRUE, TRUE,
    '^tgp_v1_[A-Za-z0-9_-]{43}$',
    'https://docs.together.ai', 'https://www.together.ai/pricing', 'https://status.together.ai'),
  ('Groq', 'groq', 'Groq', 'Open models on fast inference hardware', 'https://api.groq.com/openai/v1',
    TRUE, TRUE,
    '^gsk_[A-Za-z0-9]{52}$',
    'https://console.groq.com/docs', 'https://groq.com/pricing', 'https://groqstatus.com'),
  ('Fireworks', 'fireworks', 'Fireworks AI', 'Open models, hosted', 'https://api.fireworks.ai/inference/v1',
    TRUE, TRUE,
    '^fw_[A-Za-z0-9]{16,}$',
    'https://docs.fireworks.ai', 'https://fireworks.ai/pricing', 'https://status.fireworks.ai')
) AS seed
WHERE NOT EXISTS (SELECT FROM llm_providers)
ON CONFLICT DO NOTHING;

-- Comments fill what is empty and never replace another's. A column that is missing stops the migration.
DO $$
DECLARE
  note RECORD;
  subject TEXT;
  number INTEGER;
  missing TEXT[] := '{}';
BEGIN
  FOR note IN
    SELECT * FROM (VALUES
      ('llm_providers', NULL, 'The LLM providers that callers may use: where each is reached, what it can do, how it fares.'),
      ('llm_providers', 'id', 'Primary key; assigned by the database.'),
      ('llm_providers', 'provider_name', 'Unique name of the provider; written by migrations and administrators.'),
      ('llm_providers', 'provider_slug', 'Unique short name, as in provider/model and {SLUG}_API_KEY; written by migrations and administrators.'),
      ('llm_providers', 'display_name', 'Name that pages show; written by migrations and administrators.'),
      ('llm_providers', 'description', 'What the provider offers, in a few words; written by migrations and administrators.'),
      ('llm_providers', 'base_url', 'Root of its OpenAI-compatible API; written by migrations and administrators, {SLUG}_BASE_URL overrides it.'),
      ('llm_providers', 'auth_type', 'Kind of credential the provider takes; written by migrations and administrators.'),
      ('llm_providers', 'supports_streaming', 'Whether it can stream answers; written by migrations and administrators.'),
      ('llm_providers', 'supports_function_calling', 'Whether some of its models call functions; written by migrations and administrators.'),
      ('llm_providers', 'supports_vision', 'Whether some of its models read images; written by migrations and administrators.'),
      ('llm_providers', 'rate_limit_rpm', 'Requests a minute that the provider allows, NULL where unknown; written by administrators.'),
      ('llm_providers', 'rate_limit_tpm', 'Tokens a minute that the provider allows, NULL where unknown; written by administrators.'),
      ('llm_providers', 'rate_limit_rpd', 'Requests a day that the provider allows, NULL where unknown; written by administrators.'),
      ('llm_providers', 'is_active', 'Whether callers may use the provider: if false, it does not exist for them; written by administrators.'),
      ('llm_providers', 'is_byok_supported', 'Whether users may bring a key of their own; written by administrators.'),
      ('llm_providers', 'is_system_provider', 'Whether the platform itself runs the provider; written by administrators.'),
      ('llm_providers', 'api_key_format', 'Regular expression of its usual keys, to warn and never to reject; written by migrations and administrators.'),
      ('llm_providers', 'documentation_url', 'Documentation of its API; written by migrations and administrators.'),
      ('llm_providers', 'pricing_url', 'Its price list; written by migrations and administrators.'),
      ('llm_providers', 'status_page_url', 'Its status page; written by migrations and administrators.'),
      ('llm_providers', 'health_status', 'Health as last observed, unknown until the first look; written by health checks.'),
      ('llm_providers', 'health_last_checked', 'UTC time of the last health check; written by health checks.'),
      ('llm_providers', 'health_response_time_ms', 'Milliseconds that the last health check took; written by health checks.'),
      ('llm_providers', 'min_tier_required', 'Lowest user tier that may use the provider; written by administrators.'),
      ('llm_providers', 'created_at', 'UTC time the row was made; its default is UTC only in sessions whose TimeZone is UTC.'),
      ('llm_providers', 'updated_at', 'UTC time of the last change; kept by a trigger.'),
      ('llm_models', NULL, 'The models of each provider, with limits, abilities and prices.'),
      ('llm_models', 'id', 'Primary key; assigned by the database.'),
      ('llm_models', 'provider_id', 'The provider that serves the model; written by administrators.'),
      ('llm_models', 'model_name', 'Name by which callers ask for the model; written by administrators.'),
      ('llm_models', 'model_id', 'Name of the model in the API of its provider; written by administrators.'),
      ('llm_models', 'display_name', 'Name that pages show; written by administrators.'),
      ('llm_models', 'description', 'What the model is good for; written by administrators.'),
      ('llm_models', 'max_tokens', 'Most tokens that one answer may have; written by administrators.'),
      ('llm_models', 'context_window', 'Most tokens that prompt and answer may have together; written by administrators.'),
      ('llm_models', 'supports_streaming', 'Whether the model can stream its answer; written by administrators.'),
      ('llm_models', 'supports_function_calling', 'Whether the model calls functions; written by administrators.'),
      ('llm_models', 'supports_vision', 'Whether the model reads images; written by administrators.'),
      ('llm_models', 'supports_json_mode', 'Whether the model can be held to JSON; written by administrators.'),
      ('llm_models', 'cost_per_1m_input_tokens', 'Price of a million input tokens, in USD; written by administrators.'),
      ('llm_models', 'cost_per_1m_output_tokens', 'Price of a million output tokens, in USD; written by administrators.'),
      ('llm_models', 'cost_per_1m_tokens_cached', 'Price of a million cached input tokens, in USD; written by administrators.'),
      ('llm_models', 'power_level', 'Power level that the model serves; written by administrators.'),
      ('llm_models', 'power_level_priority', 'Order within its power level, lowest first; written by administrators.'),
      ('llm_models', 'is_active', 'Whether callers may use the model; written by administrators.'),
      ('llm_models', 'is_deprecated', 'Whether the provider is retiring the model; written by administrators.'),
      ('llm_models', 'deprecation_date', 'UTC time from which the model is no longer served; written by administrators.'),
      ('llm_models', 'replacement_model_id', 'The model to use instead; written by administrators.'),
      ('llm_models', 'min_tier_required', 'Lowest user tier that may use the model; written by administrators.'),
      ('llm_models', 'created_at', 'UTC time the row was made; its default is UTC only in sessions whose TimeZone is UTC.'),
      ('llm_models', 'updated_at', 'UTC time of the last change; kept by a trigger.'),
      ('user_api_keys', NULL, 'Keys that users brought themselves (BYOK), encrypted, one a user and provider.'),
      ('user_api_keys', 'id', 'Primary key; assigned by the database.'),
      ('user_api_keys', 'user_id', 'The user who owns the key, as the identity provider names them; written with the key.'),
      ('user_api_keys', 'provider_id', 'The provider that the key is for; written with the key.'),
      ('user_api_keys', 'key_name', 'Name that the user gave the key; written by the user.'),
      ('user_api_keys', 'encrypted_api_key', 'The key as a Fernet token under BYOK_ENCRYPTION_KEY, never in the clear; written when the user sets it.'),
      ('user_api_keys', 'key_prefix', 'First characters of the key, to recognise it by; written with the key.'),
      ('user_api_keys', 'key_suffix', 'Last characters of the key, to recognise it by; written with the key.'),
      ('user_api_keys', 'is_active', 'Whether the key may be used; written by the user and administrators.'),
      ('user_api_keys', 'is_validated', 'Whether the last test of the key succeeded; written by key tests.'),
      ('user_api_keys', 'validation_error', 'What the last failed test said, without secrets; written by key tests.'),
      ('user_api_keys', 'last_validated_at', 'UTC time of the last test; written by key tests.'),
      ('user_api_keys', 'total_requests', 'Requests made with the key; written by usage accounting.'),
      ('user_api_keys', 'total_tokens', 'Tokens used with the key; written by usage accounting.'),
      ('user_api_keys', 'total_cost_usd', 'What the key has cost, in USD; written by usage accounting.'),
      ('user_api_keys', 'last_used_at', 'UTC time of the last use; written by usage accounting.'),
      ('user_api_keys', 'created_ip', 'Address from which the key was set; written with the key.'),
      ('user_api_keys', 'last_rotated_at', 'UTC time at which the key was last replaced; written with the key.'),
      ('user_api_keys', 'created_at', 'UTC time the row was made; its default is UTC only in sessions whose TimeZone is UTC.'),
      ('user_api_keys', 'updated_at', 'UTC time of the last change; kept by a trigger.'),
      ('llm_routing_rules', NULL, 'Which model serves which power level for which user tier.'),
      ('llm_routing_rules', 'id', 'Primary key; assigned by the database.'),
      ('llm_routing_rules', 'model_id', 'The model that the rule routes to; written by administrators.'),
      ('llm_routing_rules', 'power_level', 'Power level that the rule applies to; written by administrators.'),
      ('llm_routing_rules', 'user_tier', 'User tier that the rule applies to; written by administrators.'),
      ('llm_routing_rules', 'task_type', 'Kind of task that the rule applies to, NULL for every kind; written by administrators.'),
      ('llm_routing_rules', 'priority', 'Order among rules that apply, lowest first; written by administrators.'),
      ('llm_routing_rules', 'weight', 'Share of the calls among rules of equal priority; written by administrators.'),
      ('llm_routing_rules', 'min_tokens', 'Smallest request, in tokens, that the rule applies to; written by administrators.'),
      ('llm_routing_rules', 'max_tokens', 'Largest request, in tokens, that the rule applies to; written by administrators.'),
      ('llm_routing_rules', 'requires_byok', 'Whether the rule needs a key that the user brought; written by administrators.'),
      ('llm_routing_rules', 'is_fallback', 'Whether the rule serves only after others failed; written by administrators.'),
      ('llm_routing_rules', 'fallback_order', 'Order among fallbacks, lowest first; written by administrators.'),
      ('llm_routing_rules', 'is_active', 'Whether the rule is in force; written by administrators.'),
      ('llm_routing_rules', 'created_at', 'UTC time the row was made; its default is UTC only in sessions whose TimeZone is UTC.'),
      ('llm_routing_rules', 'updated_at', 'UTC time of the last change; kept by a trigger.'),
      ('llm_usage_logs', NULL, 'One row for each request that was answered or refused: who, what, how long, how much.'),
      ('llm_usage_logs', 'id', 'Primary key; assigned by the database.'),
      ('llm_usage_logs', 'user_id', 'The user who asked; written by usage accounting.'),
      ('llm_usage_logs', 'provider_id', 'The provider that was called, NULL once it is deleted; written by usage accounting.'),
      ('llm_usage_logs', 'model_id', 'The model that was called, NULL once it is deleted; written by usage accounting.'),
      ('llm_usage_logs', 'user_key_id', 'The user key that was used, NULL for a system key or once it is deleted; written by usage accounting.'),
      ('llm_usage_logs', 'request_id', 'Unique id of the request; written by usage accounting.'),
      ('llm_usage_logs', 'power_level', 'Power level that was asked for; written by usage accounting.'),
      ('llm_usage_logs', 'task_type', 'Kind of task that was asked for; written by usage accounting.'),
      ('llm_usage_logs', 'prompt_tokens', 'Tokens of the prompt; written by usage accounting.'),
      ('llm_usage_logs', 'completion_tokens', 'Tokens of the answer; written by usage accounting.'),
      ('llm_usage_logs', 'total_tokens', 'Tokens of prompt and answer; written by usage accounting.'),
      ('llm_usage_logs', 'cached_tokens', 'Tokens of the prompt that the provider had cached; written by usage accounting.'),
      ('llm_usage_logs', 'cost_input_usd', 'Cost of the prompt, in USD; written by usage accounting.'),
      ('llm_usage_logs', 'cost_output_usd', 'Cost of the answer, in USD; written by usage accounting.'),
      ('llm_usage_logs', 'cost_total_usd', 'Cost of the request, in USD; written by usage accounting.'),
      ('llm_usage_logs', 'used_byok', 'Whether a key of the user was used; written by usage accounting.'),
      ('llm_usage_logs', 'latency_ms', 'Milliseconds from request to end of answer; written by usage accounting.'),
      ('llm_usage_logs', 'tokens_per_second', 'Tokens of the answer a second; written by usage accounting.'),
      ('llm_usage_logs', 'status_code', 'HTTP status that the caller got; written by usage accounting.'),
      ('llm_usage_logs', 'error_message', 'What went wrong, without secrets; written by usage accounting.'),
      ('llm_usage_logs', 'was_fallback', 'Whether the first choice had failed; written by usage accounting.'),
      ('llm_usage_logs', 'fallback_reason', 'Why the first choice failed; written by usage accounting.'),
      ('llm_usage_logs', 'request_ip', 'Address of the caller; written by usage accounting.'),
      ('llm_usage_logs', 'user_agent', 'Program of the caller, as it names itself; written by usage accounting.'),
      ('llm_usage_logs', 'session_id', 'Session of the caller; written by usage accounting.'),
      ('llm_usage_logs', 'created_at', 'UTC time of the request; its default is UTC only in sessions whose TimeZone is UTC.')
    ) AS notes (table_name, column_name, text)
  LOOP
    subject := concat_ws('.', quote_ident(note.table_name), quote_ident(note.column_name));
    number := CASE WHEN note.column_name IS NULL THEN 0 ELSE (
      SELECT attnum FROM pg_attribute
      WHERE attrelid = note.table_name::regclass AND attname = note.column_name AND NOT attisdropped
    ) END;

    IF number IS NULL THEN
      missing := missing || subject;
    ELSIF col_description(note.table_name::regclass, number) IS NULL THEN
      EXECUTE format('COMMENT ON %s %s IS %L', CASE number WHEN 0 THEN 'TABLE' ELSE 'COLUMN' END, subject, note.text);
    END IF;
  END LOOP;

  IF missing <> '{}' THEN
    RAISE EXCEPTION 'these columns are missing: %', array_to_string(missing, ', ')
      USING HINT = 'Their tables were there before, in another shape, and this migration cannot adopt them.';
  END IF;
END
$$;

COMMIT;
