-- Migration 011: what the gateway counts and limits. The limits of gateway tokens and what each has used of them,
-- names that stand for models, and usage by day beside the log that is there since 001.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 011_add_gateway.sql, which does all of it or nothing.

BEGIN;

-- A rollback keeps what administrators wrote under other names; here it gets its own back.
DO $$
DECLARE
  kept RECORD;
BEGIN
  FOR kept IN
    SELECT relname AS name, replace(relname, 'keyward_gateway_saved_', 'keyward_') AS own_name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i') AND relname ~ '^keyward_gateway_saved_'
  LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', kept.name, kept.own_name);
  END LOOP;
END
$$;

-- Each has a default of NULL, so no row is written and the platform's own INSERTs go on as they are.
ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS model_name VARCHAR(300) NULL;
ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS endpoint VARCHAR(50) NULL;
ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS gateway_token_id INTEGER NULL;
ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS key_fingerprint VARCHAR(40) NULL;
ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS time_to_first_token_ms INTEGER NULL;
ALTER TABLE llm_usage_logs ADD COLUMN IF NOT EXISTS attempts INTEGER NULL;
COMMENT ON COLUMN llm_usage_logs.model_name IS 'The model as its provider knows it, also where llm_models does not; written by usage accounting.';
COMMENT ON COLUMN llm_usage_logs.endpoint IS 'Which address of the gateway was asked, as chat/completions; written by usage accounting.';
COMMENT ON COLUMN llm_usage_logs.gateway_token_id IS 'keyward_tokens.id of the caller, NULL for a token of the environment; written by usage accounting.';
COMMENT ON COLUMN llm_usage_logs.key_fingerprint IS 'Identifies the provider key that served; written by usage accounting.';
COMMENT ON COLUMN llm_usage_logs.time_to_first_token_ms IS 'Milliseconds from request to the first byte of the answer; written by usage accounting.';
COMMENT ON COLUMN llm_usage_logs.attempts IS 'How often the call was sent; written by usage accounting.';

CREATE TABLE IF NOT EXISTS keyward_usage_daily (
    day               DATE NOT NULL,
    provider          VARCHAR(100) NOT NULL,
    model             VARCHAR(300) NOT NULL,
    gateway_token_id  INTEGER NOT NULL DEFAULT 0,
    key_fingerprint   VARCHAR(40) NOT NULL,
    requests          BIGINT NOT NULL DEFAULT 0,
    errors            BIGINT NOT NULL DEFAULT 0,
    prompt_tokens     BIGINT NOT NULL DEFAULT 0,
    completion_tokens BIGINT NOT NULL DEFAULT 0,
    cached_tokens     BIGINT NOT NULL DEFAULT 0,
    cost_usd          NUMERIC(18, 9) NOT NULL DEFAULT 0,
    unpriced          BIGINT NOT NULL DEFAULT 0,
    latency_ms        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (day, provider, model, gateway_token_id, key_fingerprint)
);
COMMENT ON TABLE keyward_usage_daily IS 'What was used on each day, by provider, model, token and key. Written by Keyward with the rows of llm_usage_logs, and kept when those are thinned.';
COMMENT ON COLUMN keyward_usage_daily.day IS 'The day in UTC.';
COMMENT ON COLUMN keyward_usage_daily.provider IS 'Slug of the provider.';
COMMENT ON COLUMN keyward_usage_daily.model IS 'The model as its provider knows it; empty where a request names none.';
COMMENT ON COLUMN keyward_usage_daily.gateway_token_id IS 'keyward_tokens.id of the caller; 0 for a token of the environment.';
COMMENT ON COLUMN keyward_usage_daily.key_fingerprint IS 'Identifies the provider key that served.';
COMMENT ON COLUMN keyward_usage_daily.requests IS 'Answered requests.';
COMMENT ON COLUMN keyward_usage_daily.errors IS 'Those of them that were answered with 400 or above, or broke off.';
COMMENT ON COLUMN keyward_usage_daily.prompt_tokens IS 'Tokens of the prompts, as the providers counted them.';
COMMENT ON COLUMN keyward_usage_daily.completion_tokens IS 'Tokens of the answers, as the providers counted them.';
COMMENT ON COLUMN keyward_usage_daily.cached_tokens IS 'Tokens of the prompts that the providers had cached.';
COMMENT ON COLUMN keyward_usage_daily.cost_usd IS 'What the requests whose price is known have cost, in USD.';
COMMENT ON COLUMN keyward_usage_daily.unpriced IS 'Requests that used tokens of a model whose price is not known.';
COMMENT ON COLUMN keyward_usage_daily.latency_ms IS 'Milliseconds that all of them took together.';
CREATE INDEX IF NOT EXISTS idx_keyward_usage_daily_token ON keyward_usage_daily (gateway_token_id, day);

CREATE TABLE IF NOT EXISTS keyward_token_limits (
    token_id            INTEGER PRIMARY KEY,
    owner               VARCHAR(255),
    allowed_providers   TEXT[],
    allowed_models      TEXT[],
    requests_per_minute INTEGER CHECK (requests_per_minute > 0),
    tokens_per_minute   INTEGER CHECK (tokens_per_minute > 0),
    daily_budget_usd    NUMERIC(12, 6) CHECK (daily_budget_usd >= 0),
    monthly_budget_usd  NUMERIC(12, 6) CHECK (monthly_budget_usd >= 0),
    changed_by          VARCHAR(300) NOT NULL,
    changed_at          TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
COMMENT ON TABLE keyward_token_limits IS 'Whose a gateway token is and what it may use; a token without a row is nobody''s and has no limits. Written by administrators.';
COMMENT ON COLUMN keyward_token_limits.token_id IS 'keyward_tokens.id.';
COMMENT ON COLUMN keyward_token_limits.owner IS 'The user who calls with it, as user_api_keys.user_id names them.';
COMMENT ON COLUMN keyward_token_limits.allowed_providers IS 'Slugs; NULL: all.';
COMMENT ON COLUMN keyward_token_limits.allowed_models IS 'Models as provider/model, with * for any text; NULL: all.';
COMMENT ON COLUMN keyward_token_limits.requests_per_minute IS 'Requests a minute; NULL: no limit.';
COMMENT ON COLUMN keyward_token_limits.tokens_per_minute IS 'Tokens of prompts and answers a minute; NULL: no limit.';
COMMENT ON COLUMN keyward_token_limits.daily_budget_usd IS 'USD a day, in UTC; NULL: no limit.';
COMMENT ON COLUMN keyward_token_limits.monthly_budget_usd IS 'USD a month, in UTC; NULL: no limit.';
COMMENT ON COLUMN keyward_token_limits.changed_by IS 'Who wrote it last.';
COMMENT ON COLUMN keyward_token_limits.changed_at IS 'When, UTC.';

CREATE TABLE IF NOT EXISTS keyward_token_minutes (
    token_id INTEGER NOT NULL,
    minute   TIMESTAMP NOT NULL,
    requests BIGINT NOT NULL DEFAULT 0,
    tokens   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (token_id, minute)
);
COMMENT ON TABLE keyward_token_minutes IS 'What each limited token used in the last minutes, of all instances together. Written by Keyward, and cleared.';
COMMENT ON COLUMN keyward_token_minutes.token_id IS 'keyward_tokens.id.';
COMMENT ON COLUMN keyward_token_minutes.minute IS 'The beginning of the minute, UTC.';
COMMENT ON COLUMN keyward_token_minutes.requests IS 'Requests in it.';
COMMENT ON COLUMN keyward_token_minutes.tokens IS 'Tokens of prompts and answers in it.';

CREATE TABLE IF NOT EXISTS keyward_model_aliases (
    alias      VARCHAR(300) PRIMARY KEY,
    targets    TEXT[] NOT NULL CHECK (cardinality(targets) BETWEEN 1 AND 6),
    changed_by VARCHAR(300) NOT NULL,
    changed_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
COMMENT ON TABLE keyward_model_aliases IS 'Names that stand for models. Written by administrators.';
COMMENT ON COLUMN keyward_model_aliases.alias IS 'What callers ask for; with a * at its end, whatever begins so.';
COMMENT ON COLUMN keyward_model_aliases.targets IS 'Models as provider/model, the first and those to fall back to; * stands for what the alias had there.';
COMMENT ON COLUMN keyward_model_aliases.changed_by IS 'Who wrote it last.';
COMMENT ON COLUMN keyward_model_aliases.changed_at IS 'When, UTC.';

DROP TRIGGER IF EXISTS keyward_limits_changed ON keyward_token_limits;
CREATE CONSTRAINT TRIGGER keyward_limits_changed AFTER INSERT OR UPDATE OR DELETE ON keyward_token_limits
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_limits_noted ON keyward_token_limits;
CREATE CONSTRAINT TRIGGER keyward_limits_noted AFTER INSERT OR UPDATE OR DELETE ON keyward_token_limits
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_aliases_changed ON keyward_model_aliases;
CREATE CONSTRAINT TRIGGER keyward_aliases_changed AFTER INSERT OR UPDATE OR DELETE ON keyward_model_aliases
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_aliases_noted ON keyward_model_aliases;
CREATE CONSTRAINT TRIGGER keyward_aliases_noted AFTER INSERT OR UPDATE OR DELETE ON keyward_model_aliases
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();

-- A key that a user brought serves from the snapshot, as a system key does; what is counted of its use moves nothing.
DROP TRIGGER IF EXISTS keyward_user_keys_changed ON user_api_keys;
CREATE CONSTRAINT TRIGGER keyward_user_keys_changed AFTER INSERT OR DELETE ON user_api_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_user_keys_edited ON user_api_keys;
CREATE CONSTRAINT TRIGGER keyward_user_keys_edited AFTER UPDATE ON user_api_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.user_id, OLD.provider_id, OLD.encrypted_api_key, OLD.is_active)
          IS DISTINCT FROM (NEW.user_id, NEW.provider_id, NEW.encrypted_api_key, NEW.is_active))
    EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_user_keys_emptied ON user_api_keys;
CREATE TRIGGER keyward_user_keys_emptied AFTER TRUNCATE ON user_api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_bump_revision();

COMMIT;
