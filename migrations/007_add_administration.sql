-- Migration 007: what administrators need. Roles and expiry of tokens, sessions of the page, the history of
-- key tests, answers kept for repeated requests; what a key is bound to, and when a provider changed last.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 007_add_administration.sql, which does all of it or nothing.

BEGIN;

ALTER TABLE llm_providers
    ADD COLUMN IF NOT EXISTS api_key_binding TEXT NULL,
    ADD COLUMN IF NOT EXISTS allow_private_network BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS request_headers JSONB NULL;
COMMENT ON COLUMN llm_providers.api_key_binding IS 'Proof that encrypted_api_key belongs to this provider and this host; NULL: set by a program that writes none. Written by Keyward.';
COMMENT ON COLUMN llm_providers.allow_private_network IS 'Whether base_url may lead into a private network; cloud metadata and link-local addresses it never may. Written by administrators.';
COMMENT ON COLUMN llm_providers.request_headers IS 'More headers for requests to the provider, as an object of strings; no secrets. Written by administrators.';

ALTER TABLE keyward_tokens
    ADD COLUMN IF NOT EXISTS role VARCHAR(20) NULL CHECK (role IN ('admin', 'viewer')),
    ADD COLUMN IF NOT EXISTS expires_at TIMESTAMP NULL,
    ADD COLUMN IF NOT EXISTS last_used_at TIMESTAMP NULL;
COMMENT ON COLUMN keyward_tokens.role IS 'Of an admin token: admin may change, viewer only looks; NULL counts as admin. NULL for a gateway token.';
COMMENT ON COLUMN keyward_tokens.expires_at IS 'Until when it is good, UTC; NULL: until it is revoked.';
COMMENT ON COLUMN keyward_tokens.last_used_at IS 'When it was presented last, UTC, to about a minute. Of admin tokens only.';
-- A use of a token is no change of what the gateway serves from.
DROP TRIGGER IF EXISTS keyward_tokens_changed ON keyward_tokens;
CREATE CONSTRAINT TRIGGER keyward_tokens_changed
    AFTER INSERT OR DELETE OR UPDATE OF kind, token_hash, role, expires_at, revoked_at ON keyward_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_tokens_edit_noted ON keyward_tokens;
CREATE CONSTRAINT TRIGGER keyward_tokens_edit_noted
    AFTER UPDATE OF kind, name, token_hash, role, expires_at, revoked_at ON keyward_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();

-- The binding is observed like the key: it changes what serves, and a foreign change of it is noted.
DROP TRIGGER IF EXISTS keyward_providers_edited ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_edited AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
           OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
           NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers))
    EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_providers_edit_noted ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_edit_noted AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
           OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
           NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers))
    EXECUTE FUNCTION keyward_note_foreign_change();

-- A program that replaces the key writes no binding: the old one says nothing of the new key.
CREATE OR REPLACE FUNCTION keyward_forget_old_binding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.api_key_binding IS NOT DISTINCT FROM OLD.api_key_binding THEN
        NEW.api_key_binding := NULL;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keyward_forget_old_binding() IS 'Clears the binding when a key is replaced by a writer that left it alone.';
DROP TRIGGER IF EXISTS keyward_providers_new_binding ON llm_providers;
CREATE TRIGGER keyward_providers_new_binding BEFORE UPDATE ON llm_providers
    FOR EACH ROW WHEN (OLD.encrypted_api_key IS DISTINCT FROM NEW.encrypted_api_key)
    EXECUTE FUNCTION keyward_forget_old_binding();

CREATE TABLE IF NOT EXISTS keyward_provider_revisions (
    provider_id INTEGER PRIMARY KEY,
    revision    BIGINT NOT NULL
);
COMMENT ON TABLE keyward_provider_revisions IS 'For If-Match: the revision in which each provider changed last. Written by triggers only.';
COMMENT ON COLUMN keyward_provider_revisions.provider_id IS 'llm_providers.id. A provider without a row has not changed since migration 007.';
COMMENT ON COLUMN keyward_provider_revisions.revision IS 'keyward_revision.revision of its last change.';

-- Fires after keyward_providers_changed and _edited, by the order of the names, and finds the revision bumped.
CREATE OR REPLACE FUNCTION keyward_note_provider_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('DELETE FROM %I.keyward_provider_revisions', TG_TABLE_SCHEMA);
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format('DELETE FROM %I.keyward_provider_revisions WHERE provider_id = $1', TG_TABLE_SCHEMA) USING OLD.id;
    ELSE
        EXECUTE format(
            'INSERT INTO %1$I.keyward_provider_revisions (provider_id, revision)
             SELECT $1, revision FROM %1$I.keyward_revision
             ON CONFLICT (provider_id) DO UPDATE SET revision = EXCLUDED.revision', TG_TABLE_SCHEMA) USING NEW.id;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keyward_note_provider_revision() IS 'Notes the revision in which a provider changed.';
DROP TRIGGER IF EXISTS keyward_providers_revised ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_revised AFTER INSERT OR DELETE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_provider_revision();
DROP TRIGGER IF EXISTS keyward_providers_revised_edit ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_revised_edit AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status,
           OLD.api_key_binding, OLD.allow_private_network, OLD.request_headers)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status,
           NEW.api_key_binding, NEW.allow_private_network, NEW.request_headers))
    EXECUTE FUNCTION keyward_note_provider_revision();
DROP TRIGGER IF EXISTS keyward_providers_revised_emptying ON llm_providers;
CREATE TRIGGER keyward_providers_revised_emptying AFTER TRUNCATE ON llm_providers
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_note_provider_revision();

CREATE TABLE IF NOT EXISTS keyward_key_tests (
    id               BIGSERIAL PRIMARY KEY,
    provider_slug    VARCHAR(100) NOT NULL,
    fingerprint      VARCHAR(40) NOT NULL,
    source           VARCHAR(20) NOT NULL CHECK (source IN ('database', 'environment', 'candidate')),
    verdict          VARCHAR(30) NOT NULL,
    code             VARCHAR(200),
    message          TEXT NOT NULL,
    advice           TEXT NOT NULL,
    http_status      INTEGER,
    response_time_ms INTEGER NOT NULL,
    asked_by         VARCHAR(300) NOT NULL,
    tested_at        TIMESTAMP NOT NULL
);
COMMENT ON TABLE keyward_key_tests IS 'Every test of a key and what it said. Written by key tests.';
COMMENT ON COLUMN keyward_key_tests.id IS 'In the order of the tests.';
COMMENT ON COLUMN keyward_key_tests.provider_slug IS 'The provider that was asked.';
COMMENT ON COLUMN keyward_key_tests.fingerprint IS 'The key that was tested.';
COMMENT ON COLUMN keyward_key_tests.source IS 'Where the key came from: database, environment, or candidate for one that was only offered.';
COMMENT ON COLUMN keyward_key_tests.verdict IS 'What the answer says of the key: see docs/verdicts.md.';
COMMENT ON COLUMN keyward_key_tests.code IS 'The provider''s own code, or the name of the rule that decided.';
COMMENT ON COLUMN keyward_key_tests.message IS 'The verdict in words, without secrets.';
COMMENT ON COLUMN keyward_key_tests.advice IS 'What to do next.';
COMMENT ON COLUMN keyward_key_tests.http_status IS 'Status of the answer; NULL where there was none.';
COMMENT ON COLUMN keyward_key_tests.response_time_ms IS 'How long the provider took, in milliseconds.';
COMMENT ON COLUMN keyward_key_tests.asked_by IS 'Who had it tested.';
COMMENT ON COLUMN keyward_key_tests.tested_at IS 'When, UTC.';
CREATE INDEX IF NOT EXISTS idx_keyward_key_tests_provider ON keyward_key_tests (provider_slug, id);

CREATE TABLE IF NOT EXISTS keyward_sessions (
    id_hash      CHAR(64) PRIMARY KEY,
    public_id    UUID NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    method       VARCHAR(20) NOT NULL CHECK (method IN ('token', 'oidc')),
    token_id     INTEGER REFERENCES keyward_tokens (id) ON DELETE CASCADE,
    subject      VARCHAR(300) NOT NULL,
    name         VARCHAR(300) NOT NULL,
    role         VARCHAR(20) NOT NULL CHECK (role IN ('admin', 'viewer')),
    address      VARCHAR(100),
    user_agent   VARCHAR(500),
    created_at   TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    last_seen_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    expires_at   TIMESTAMP NOT NULL
);
COMMENT ON TABLE keyward_sessions IS 'Sessions of administrators in a browser. Only hashes of their cookies are kept. Written by Keyward.';
COMMENT ON COLUMN keyward_sessions.id_hash IS 'HMAC-SHA256 of the session cookie and the role, in hex, under a key derived from BYOK_ENCRYPTION_KEY: who can write here cannot make a session.';
COMMENT ON COLUMN keyward_sessions.public_id IS 'Names the session in lists and in the audit trail.';
COMMENT ON COLUMN keyward_sessions.method IS 'How the person signed in.';
COMMENT ON COLUMN keyward_sessions.token_id IS 'The admin token that was presented; the session ends with it. NULL for single sign-on and for the bootstrap token.';
COMMENT ON COLUMN keyward_sessions.subject IS 'Identifies the person: the subject of the identity provider, or the token.';
COMMENT ON COLUMN keyward_sessions.name IS 'Name of the person or of the token.';
COMMENT ON COLUMN keyward_sessions.role IS 'What the session may do.';
COMMENT ON COLUMN keyward_sessions.address IS 'Address at sign-in.';
COMMENT ON COLUMN keyward_sessions.user_agent IS 'Browser at sign-in, as it names itself.';
COMMENT ON COLUMN keyward_sessions.created_at IS 'When the person signed in, UTC.';
COMMENT ON COLUMN keyward_sessions.last_seen_at IS 'Last request, UTC, to about a minute.';
COMMENT ON COLUMN keyward_sessions.expires_at IS 'When it ends at the latest, UTC.';

CREATE TABLE IF NOT EXISTS keyward_idempotency_keys (
    actor        VARCHAR(300) NOT NULL,
    key          VARCHAR(200) NOT NULL,
    request_hash CHAR(64) NOT NULL,
    status       INTEGER,
    answer       TEXT,
    created_at   TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    PRIMARY KEY (actor, key)
);
COMMENT ON TABLE keyward_idempotency_keys IS 'Answers to writes that carried an Idempotency-Key, for a day, so that a repeated request is not done twice. Written by Keyward.';
COMMENT ON COLUMN keyward_idempotency_keys.actor IS 'Whose key it is.';
COMMENT ON COLUMN keyward_idempotency_keys.key IS 'The header Idempotency-Key.';
COMMENT ON COLUMN keyward_idempotency_keys.request_hash IS 'Keyed hash of method, path and body: the same key for another request is refused.';
COMMENT ON COLUMN keyward_idempotency_keys.status IS 'HTTP status of the answer; NULL while the first request is in progress.';
COMMENT ON COLUMN keyward_idempotency_keys.answer IS 'Body of the answer, without secrets.';
COMMENT ON COLUMN keyward_idempotency_keys.created_at IS 'When the first request came, UTC.';

-- What a rollback saved comes back: settings to their providers, and a binding to the key that it was made
-- for, where that is stored. A row whose key is not there yet waits for it.
DO $$
BEGIN
  IF to_regclass(format('%I.llm_providers_settings_backup_007', current_schema())) IS NULL THEN
    RETURN;
  END IF;
  UPDATE llm_providers AS p
     SET allow_private_network = b.allow_private_network, request_headers = b.request_headers
    FROM llm_providers_settings_backup_007 AS b
   WHERE b.provider_slug = p.provider_slug AND NOT b.settings_are_back;
  UPDATE llm_providers_settings_backup_007 AS b SET settings_are_back = true
    FROM llm_providers AS p WHERE p.provider_slug = b.provider_slug;
  UPDATE llm_providers AS p SET api_key_binding = b.api_key_binding
    FROM llm_providers_settings_backup_007 AS b
   WHERE b.provider_slug = p.provider_slug
     AND b.key_hash = encode(sha256(convert_to(p.encrypted_api_key, 'UTF8')), 'hex');
  DELETE FROM llm_providers_settings_backup_007 AS b USING llm_providers AS p
   WHERE p.provider_slug = b.provider_slug
     AND (b.api_key_binding IS NULL OR b.key_hash = encode(sha256(convert_to(p.encrypted_api_key, 'UTF8')), 'hex'));
  IF NOT EXISTS (SELECT FROM llm_providers_settings_backup_007) THEN
    DROP TABLE llm_providers_settings_backup_007;
  END IF;
  -- A later statement may alter llm_providers, which is refused while deferred triggers wait.
  SET CONSTRAINTS ALL IMMEDIATE;
END
$$;

COMMIT;
