-- Migration 004: what Keyward keeps beside the platform's tables.
-- A revision that every change bumps, whoever makes it; the tokens of callers and administrators;
-- the running instances; the secret of this installation's fingerprints.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 004_add_keyward_tables.sql, which does all of it or nothing.

BEGIN;

CREATE TABLE IF NOT EXISTS keyward_revision (
    only_row   BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
    revision   BIGINT NOT NULL DEFAULT 1,
    changed_by XID8
);
COMMENT ON TABLE keyward_revision IS 'One row: the number of the last committed change of what the gateway serves from. Written by triggers only.';
COMMENT ON COLUMN keyward_revision.only_row IS 'Keeps the table at one row.';
COMMENT ON COLUMN keyward_revision.revision IS 'Grows by one with each transaction that changes a provider, a model or a token.';
COMMENT ON COLUMN keyward_revision.changed_by IS 'The transaction that bumped it last, so that a transaction bumps it once.';
INSERT INTO keyward_revision DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS keyward_installation (
    only_row        BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
    fingerprint_key TEXT NOT NULL DEFAULT encode(sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea), 'hex'),
    created_at      TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
COMMENT ON TABLE keyward_installation IS 'One row: what belongs to this installation as a whole. Written by migration 004.';
COMMENT ON COLUMN keyward_installation.only_row IS 'Keeps the table at one row.';
COMMENT ON COLUMN keyward_installation.fingerprint_key IS 'HMAC key of the fingerprints, in hex: a fingerprint means nothing outside this installation.';
COMMENT ON COLUMN keyward_installation.created_at IS 'When the installation was made, UTC.';
INSERT INTO keyward_installation DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS keyward_instances (
    id         UUID PRIMARY KEY,
    host       VARCHAR(255) NOT NULL,
    pid        INTEGER NOT NULL,
    version    VARCHAR(50) NOT NULL,
    revision   BIGINT NOT NULL,
    serves     JSONB NOT NULL DEFAULT '{}',
    started_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    seen_at    TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
COMMENT ON TABLE keyward_instances IS 'The running servers and the revision that each serves. Each writes its own row.';
COMMENT ON COLUMN keyward_instances.id IS 'Chosen by the instance at its start.';
COMMENT ON COLUMN keyward_instances.host IS 'Name of the machine or container.';
COMMENT ON COLUMN keyward_instances.pid IS 'Process number there.';
COMMENT ON COLUMN keyward_instances.version IS 'Version of Keyward.';
COMMENT ON COLUMN keyward_instances.revision IS 'The revision of the snapshot that it serves from.';
COMMENT ON COLUMN keyward_instances.serves IS 'By provider slug: source and fingerprint of the key that serves there, and why. No secrets.';
COMMENT ON COLUMN keyward_instances.started_at IS 'When it started, UTC.';
COMMENT ON COLUMN keyward_instances.seen_at IS 'Last sign of life, UTC.';

CREATE TABLE IF NOT EXISTS keyward_tokens (
    id           SERIAL PRIMARY KEY,
    kind         VARCHAR(20) NOT NULL CHECK (kind IN ('admin', 'gateway')),
    name         VARCHAR(200) NOT NULL,
    token_hash   CHAR(64) NOT NULL UNIQUE,
    token_prefix VARCHAR(20) NOT NULL,
    created_at   TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    revoked_at   TIMESTAMP
);
COMMENT ON TABLE keyward_tokens IS 'Tokens that administrators and callers present. Only their hashes are kept. Written by Keyward.';
COMMENT ON COLUMN keyward_tokens.id IS 'Identifies the token in commands.';
COMMENT ON COLUMN keyward_tokens.kind IS 'admin: for the admin API. gateway: for callers.';
COMMENT ON COLUMN keyward_tokens.name IS 'What the administrator called it.';
COMMENT ON COLUMN keyward_tokens.token_hash IS 'SHA-256 of the token, in hex. Tokens are random, so no salt is needed.';
COMMENT ON COLUMN keyward_tokens.token_prefix IS 'The first characters, to recognise it by.';
COMMENT ON COLUMN keyward_tokens.created_at IS 'When it was made, UTC.';
COMMENT ON COLUMN keyward_tokens.revoked_at IS 'When it was revoked, UTC; NULL while it is good.';

-- With the rights of its owner and the schema of the table that fired it: a foreign program that may
-- change llm_providers need not be granted anything more, nor have our schema on its search path.
CREATE OR REPLACE FUNCTION keyward_bump_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format(
        'UPDATE %I.keyward_revision
            SET revision = revision + 1, changed_by = pg_current_xact_id()
          WHERE changed_by IS DISTINCT FROM pg_current_xact_id()', TG_TABLE_SCHEMA);
    PERFORM pg_notify('keyward_revision', '');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keyward_bump_revision() IS 'Bumps keyward_revision once a transaction and tells the instances.';

-- At the end of the transaction, not at once: the row of keyward_revision is then the last lock that a
-- writer takes, so two writers that touch several providers each cannot deadlock on it.
DROP TRIGGER IF EXISTS keyward_providers_changed ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_changed AFTER INSERT OR DELETE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_providers_edited ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_edited AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status))
    EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_providers_emptied ON llm_providers;
CREATE TRIGGER keyward_providers_emptied AFTER TRUNCATE ON llm_providers
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_bump_revision();

DROP TRIGGER IF EXISTS keyward_models_changed ON llm_models;
CREATE CONSTRAINT TRIGGER keyward_models_changed AFTER INSERT OR DELETE ON llm_models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_models_edited ON llm_models;
CREATE CONSTRAINT TRIGGER keyward_models_edited AFTER UPDATE ON llm_models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_id, OLD.model_id, OLD.model_name, OLD.is_active)
          IS DISTINCT FROM (NEW.provider_id, NEW.model_id, NEW.model_name, NEW.is_active))
    EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_models_emptied ON llm_models;
CREATE TRIGGER keyward_models_emptied AFTER TRUNCATE ON llm_models
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_bump_revision();

DROP TRIGGER IF EXISTS keyward_tokens_changed ON keyward_tokens;
CREATE CONSTRAINT TRIGGER keyward_tokens_changed AFTER INSERT OR UPDATE OR DELETE ON keyward_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_tokens_emptied ON keyward_tokens;
CREATE TRIGGER keyward_tokens_emptied AFTER TRUNCATE ON keyward_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_bump_revision();

-- What was observed of a key belongs to that key. A writer that replaces the key and says nothing of
-- its tests or its date would otherwise leave the old key's verdict on the new one.
CREATE OR REPLACE FUNCTION keyward_forget_old_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.api_key_test_status IS NOT DISTINCT FROM OLD.api_key_test_status THEN
        NEW.api_key_test_status := CASE WHEN NEW.encrypted_api_key IS NULL THEN NULL ELSE 'untested' END;
    END IF;
    IF NEW.api_key_last_tested IS NOT DISTINCT FROM OLD.api_key_last_tested THEN
        NEW.api_key_last_tested := NULL;
    END IF;
    IF NEW.api_key_updated_at IS NOT DISTINCT FROM OLD.api_key_updated_at THEN
        NEW.api_key_updated_at := now() AT TIME ZONE 'UTC';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keyward_forget_old_key() IS 'Clears the test result and sets the date when a key is replaced by a writer that left them alone.';
DROP TRIGGER IF EXISTS keyward_providers_new_key ON llm_providers;
CREATE TRIGGER keyward_providers_new_key BEFORE UPDATE ON llm_providers
    FOR EACH ROW WHEN (OLD.encrypted_api_key IS DISTINCT FROM NEW.encrypted_api_key)
    EXECUTE FUNCTION keyward_forget_old_key();

COMMIT;
