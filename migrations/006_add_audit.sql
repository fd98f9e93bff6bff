-- Migration 006: the audit trail. Every change is an event in a chain of keyed hashes, written in the
-- transaction of the change; the database refuses to alter or delete events; a change by a program that
-- writes no event is noticed by trigger.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 006_add_audit.sql, which does all of it or nothing.

BEGIN;

-- A rollback keeps the trail under other names; here it gets its own back, and the chain goes on.
DO $$
DECLARE
  kept RECORD;
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname LIKE 'keyward\_audit\_saved\_%'
  ) THEN
    -- Whoever dropped the kept tables wants a new trail.
    DROP FUNCTION IF EXISTS keyward_audit_saved_utc(TEXT), keyward_audit_saved_refuse_change(), keyward_audit_saved_keep_change(),
      keyward_audit_saved_keep_key();
    RETURN;
  END IF;
  FOR kept IN
    SELECT relname AS name,
           replace(replace(relname, 'keyward_audit_saved_foreign', 'keyward_foreign'), 'keyward_audit_saved', 'keyward_audit') AS own_name
      FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 'S')
       AND relname ~ '^(idx_)?keyward_audit_saved_'
  LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', kept.name, kept.own_name);
  END LOOP;
  ALTER FUNCTION keyward_audit_saved_utc(TEXT) RENAME TO keyward_utc;
  ALTER FUNCTION keyward_audit_saved_refuse_change() RENAME TO keyward_refuse_audit_change;
  ALTER FUNCTION keyward_audit_saved_keep_change() RENAME TO keyward_keep_foreign_change;
  -- A trail that was kept before the key had a guard has none yet.
  IF to_regprocedure(format('%I.keyward_audit_saved_keep_key()', current_schema())) IS NOT NULL THEN
    ALTER FUNCTION keyward_audit_saved_keep_key() RENAME TO keyward_keep_audit_key;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION keyward_utc(iso TEXT) RETURNS TIMESTAMP
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT make_timestamp(substr(iso, 1, 4)::int, substr(iso, 6, 2)::int, substr(iso, 9, 2)::int,
                        substr(iso, 12, 2)::int, substr(iso, 15, 2)::int, substr(iso, 18, 6)::double precision)
$$;
COMMENT ON FUNCTION keyward_utc(TEXT) IS 'Reads 2026-01-31T12:00:00.000Z, whatever the settings of the session; immutable, so that a column can be made of it.';

-- One text is hashed and everything else is made from it: a column can never say other than the record.
CREATE TABLE IF NOT EXISTS keyward_audit_events (
    sequence       BIGINT PRIMARY KEY,
    event          TEXT NOT NULL,
    previous_hash  CHAR(64) NOT NULL,
    hash           CHAR(64) NOT NULL,
    transaction_id XID8 NOT NULL DEFAULT pg_current_xact_id(),
    occurred_at    TIMESTAMP NOT NULL GENERATED ALWAYS AS (keyward_utc(event::jsonb ->> 'occurred_at')) STORED,
    action         TEXT NOT NULL GENERATED ALWAYS AS (event::jsonb ->> 'action') STORED,
    outcome        TEXT NOT NULL GENERATED ALWAYS AS (event::jsonb ->> 'outcome') STORED,
    actor_kind     TEXT NOT NULL GENERATED ALWAYS AS (event::jsonb -> 'actor' ->> 'kind') STORED,
    actor_name     TEXT NOT NULL GENERATED ALWAYS AS (event::jsonb -> 'actor' ->> 'name') STORED,
    target_kind    TEXT NOT NULL GENERATED ALWAYS AS (event::jsonb -> 'target' ->> 'kind') STORED,
    target_id      TEXT NOT NULL GENERATED ALWAYS AS (event::jsonb -> 'target' ->> 'id') STORED
);
COMMENT ON TABLE keyward_audit_events IS 'The audit trail: a chain of keyed hashes. Written by Keyward; refuses UPDATE, and DELETE but by retention.';
COMMENT ON COLUMN keyward_audit_events.sequence IS 'Place in the chain, without gaps.';
COMMENT ON COLUMN keyward_audit_events.event IS 'The record as JSON text, exactly as it was hashed. No secrets: keys stand as fingerprints.';
COMMENT ON COLUMN keyward_audit_events.previous_hash IS 'hash of the event before; 64 zeros for the first.';
COMMENT ON COLUMN keyward_audit_events.hash IS 'HMAC-SHA256 in hex over previous_hash, a line feed and event, under the audit key.';
COMMENT ON COLUMN keyward_audit_events.transaction_id IS 'The transaction that wrote it, so that the trigger for foreign changes knows its own. Not part of the record.';
COMMENT ON COLUMN keyward_audit_events.occurred_at IS 'From event: when, UTC.';
COMMENT ON COLUMN keyward_audit_events.action IS 'From event: what was done, for example provider.key_set.';
COMMENT ON COLUMN keyward_audit_events.outcome IS 'From event: done, refused or failed.';
COMMENT ON COLUMN keyward_audit_events.actor_kind IS 'From event: admin_token, bootstrap_token, session, command, system, database or anonymous.';
COMMENT ON COLUMN keyward_audit_events.actor_name IS 'From event: who.';
COMMENT ON COLUMN keyward_audit_events.target_kind IS 'From event: what kind of thing was changed, for example provider.';
COMMENT ON COLUMN keyward_audit_events.target_id IS 'From event: which one.';
CREATE INDEX IF NOT EXISTS idx_keyward_audit_events_transaction ON keyward_audit_events (transaction_id);
CREATE INDEX IF NOT EXISTS idx_keyward_audit_events_target ON keyward_audit_events (target_kind, target_id, sequence);
CREATE INDEX IF NOT EXISTS idx_keyward_audit_events_occurred_at ON keyward_audit_events (occurred_at);
CREATE INDEX IF NOT EXISTS idx_keyward_audit_events_action ON keyward_audit_events (action, sequence);

CREATE TABLE IF NOT EXISTS keyward_audit_chain (
    only_row            BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
    encrypted_audit_key TEXT NOT NULL,
    created_at          TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
COMMENT ON TABLE keyward_audit_chain IS 'One row: the key of the audit trail. Locked while an event is added, so that the chain has one end. Written by Keyward; refuses DELETE, and UPDATE but to encrypt the key anew.';
COMMENT ON COLUMN keyward_audit_chain.only_row IS 'Keeps the table at one row.';
COMMENT ON COLUMN keyward_audit_chain.encrypted_audit_key IS 'HMAC key of the chain as a Fernet token under BYOK_ENCRYPTION_KEY: who can write here cannot forge a hash.';
COMMENT ON COLUMN keyward_audit_chain.created_at IS 'When the trail began, UTC.';

CREATE TABLE IF NOT EXISTS keyward_foreign_changes (
    id               BIGSERIAL PRIMARY KEY,
    table_name       TEXT NOT NULL,
    operation        TEXT NOT NULL,
    row_before       JSONB,
    row_after        JSONB,
    database_user    TEXT NOT NULL DEFAULT session_user,
    application_name TEXT NOT NULL DEFAULT current_setting('application_name'),
    client_address   TEXT DEFAULT host(inet_client_addr()),
    changed_at       TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
COMMENT ON TABLE keyward_foreign_changes IS 'Changes that came without an audit event: by SQL, or by another program. Written by trigger; Keyward moves them into the audit trail within seconds.';
COMMENT ON COLUMN keyward_foreign_changes.id IS 'In the order of the changes.';
COMMENT ON COLUMN keyward_foreign_changes.table_name IS 'The table that was changed.';
COMMENT ON COLUMN keyward_foreign_changes.operation IS 'INSERT, UPDATE, DELETE or TRUNCATE; FOUND for what was there when the trail began.';
COMMENT ON COLUMN keyward_foreign_changes.row_before IS 'The row before; keys in it are still encrypted.';
COMMENT ON COLUMN keyward_foreign_changes.row_after IS 'The row after; keys in it are still encrypted.';
COMMENT ON COLUMN keyward_foreign_changes.database_user IS 'The role that was connected.';
COMMENT ON COLUMN keyward_foreign_changes.application_name IS 'The program, as it names itself.';
COMMENT ON COLUMN keyward_foreign_changes.client_address IS 'Where it was connected from; NULL for a Unix socket.';
COMMENT ON COLUMN keyward_foreign_changes.changed_at IS 'When, UTC.';

CREATE OR REPLACE FUNCTION keyward_refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_retention BOOLEAN := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- Retention adds an event that names what goes; a forged one of that kind breaks the chain. It names
        -- only what lies before it, so it cannot go with the rest. xmin says who really wrote the row: after a
        -- restore an old transaction_id may come again.
        EXECUTE format(
            $q$SELECT EXISTS (SELECT FROM %I.%I
                WHERE transaction_id = pg_current_xact_id() AND xmin = pg_current_xact_id()::xid
                  AND action = 'audit.retention'
                  AND (event::jsonb -> 'after' ->> 'removed_through')::bigint BETWEEN $1 AND sequence - 1)$q$, TG_TABLE_SCHEMA, TG_TABLE_NAME)
          INTO is_retention USING OLD.sequence;
        IF is_retention THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail cannot be changed: % refused', TG_OP
      USING HINT = 'Old events go by: keyward audit retain', ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION keyward_refuse_audit_change() IS 'Refuses UPDATE, TRUNCATE, and DELETE but by retention.';
DROP TRIGGER IF EXISTS keyward_audit_kept ON keyward_audit_events;
CREATE TRIGGER keyward_audit_kept BEFORE UPDATE OR DELETE ON keyward_audit_events
    FOR EACH ROW EXECUTE FUNCTION keyward_refuse_audit_change();
DROP TRIGGER IF EXISTS keyward_audit_not_emptied ON keyward_audit_events;
CREATE TRIGGER keyward_audit_not_emptied BEFORE TRUNCATE ON keyward_audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_refuse_audit_change();

-- Without its key nothing of the trail can be proven, and nothing more be written. The head of the chain is
-- the newest event: there is nothing here that an event moves. Locking the row is no UPDATE.
CREATE OR REPLACE FUNCTION keyward_keep_audit_key() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What changes here is how the key is encrypted, and Keyward opens it before it writes under it.
    IF TG_OP = 'UPDATE' AND current_setting('keyward.reencrypts_audit_key', true) = 'on' THEN
        IF (to_jsonb(OLD) - 'encrypted_audit_key') = (to_jsonb(NEW) - 'encrypted_audit_key') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the key of the audit trail cannot be changed: % of % refused', TG_OP, TG_TABLE_NAME
      USING HINT = 'To encrypt it anew under another encryption key, in the same transaction: SET LOCAL keyward.reencrypts_audit_key = ''on''',
            ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION keyward_keep_audit_key() IS 'Refuses DELETE, TRUNCATE, and UPDATE but of the encrypted key where the transaction says that it encrypts it anew.';
DROP TRIGGER IF EXISTS keyward_audit_key_kept ON keyward_audit_chain;
CREATE TRIGGER keyward_audit_key_kept BEFORE UPDATE OR DELETE ON keyward_audit_chain
    FOR EACH ROW EXECUTE FUNCTION keyward_keep_audit_key();
DROP TRIGGER IF EXISTS keyward_audit_key_not_emptied ON keyward_audit_chain;
CREATE TRIGGER keyward_audit_key_not_emptied BEFORE TRUNCATE ON keyward_audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_keep_audit_key();

-- At the end of the transaction, when its own event must be there. With the rights of its owner and in the
-- schema of the table, as keyward_bump_revision.
CREATE OR REPLACE FUNCTION keyward_note_foreign_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_audited BOOLEAN;
BEGIN
    -- xmin as in keyward_refuse_audit_change: a restored event must not pass for one of this transaction.
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.keyward_audit_events
                     WHERE transaction_id = pg_current_xact_id() AND xmin = pg_current_xact_id()::xid)',
                   TG_TABLE_SCHEMA) INTO is_audited;
    IF NOT is_audited THEN
        EXECUTE format('INSERT INTO %I.keyward_foreign_changes (table_name, operation, row_before, row_after)
                        VALUES ($1, $2, $3, $4)', TG_TABLE_SCHEMA)
          USING TG_TABLE_NAME, TG_OP,
                CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) END,
                CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) END;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keyward_note_foreign_change() IS 'Notes a change whose transaction wrote no audit event.';

-- Whoever could take a note away again could change a key unseen. Keyward takes one in the transaction that
-- writes its event; a forged event for it stays, and breaks the chain.
CREATE OR REPLACE FUNCTION keyward_keep_foreign_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_recorded BOOLEAN := false;
BEGIN
    -- While a rollback keeps it under another name, there are no events to be found.
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'keyward_foreign_changes' THEN
        EXECUTE format(
            $q$SELECT EXISTS (SELECT FROM %I.keyward_audit_events
                WHERE transaction_id = pg_current_xact_id() AND xmin = pg_current_xact_id()::xid
                  AND action = 'database.changed')$q$, TG_TABLE_SCHEMA)
          INTO is_recorded;
        IF is_recorded THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'a foreign change that is not in the audit trail yet cannot be taken away: % refused', TG_OP
      USING HINT = 'A running Keyward moves it into the audit trail.', ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION keyward_keep_foreign_change() IS 'Refuses UPDATE, TRUNCATE, and DELETE before the change is in the audit trail.';
DROP TRIGGER IF EXISTS keyward_foreign_changes_kept ON keyward_foreign_changes;
CREATE TRIGGER keyward_foreign_changes_kept BEFORE UPDATE OR DELETE ON keyward_foreign_changes
    FOR EACH ROW EXECUTE FUNCTION keyward_keep_foreign_change();
DROP TRIGGER IF EXISTS keyward_foreign_changes_not_emptied ON keyward_foreign_changes;
CREATE TRIGGER keyward_foreign_changes_not_emptied BEFORE TRUNCATE ON keyward_foreign_changes
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_keep_foreign_change();

-- Where nobody has watched until now, the trail begins with the keys that are there.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'llm_providers'::regclass AND tgname = 'keyward_providers_noted') THEN
    INSERT INTO keyward_foreign_changes (table_name, operation, row_after)
      SELECT 'llm_providers', 'FOUND', to_jsonb(p) FROM llm_providers p WHERE encrypted_api_key <> '' ORDER BY id;
  END IF;
END
$$;

DROP TRIGGER IF EXISTS keyward_providers_noted ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_noted AFTER INSERT OR DELETE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_providers_edit_noted ON llm_providers;
CREATE CONSTRAINT TRIGGER keyward_providers_edit_noted AFTER UPDATE ON llm_providers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.provider_slug, OLD.display_name, OLD.base_url, OLD.is_active, OLD.encrypted_api_key, OLD.api_key_source, OLD.api_key_test_status)
          IS DISTINCT FROM
          (NEW.provider_slug, NEW.display_name, NEW.base_url, NEW.is_active, NEW.encrypted_api_key, NEW.api_key_source, NEW.api_key_test_status))
    EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_providers_emptying_noted ON llm_providers;
CREATE TRIGGER keyward_providers_emptying_noted AFTER TRUNCATE ON llm_providers
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_note_foreign_change();

DROP TRIGGER IF EXISTS keyward_tokens_noted ON keyward_tokens;
CREATE CONSTRAINT TRIGGER keyward_tokens_noted AFTER INSERT OR DELETE ON keyward_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_tokens_edit_noted ON keyward_tokens;
CREATE CONSTRAINT TRIGGER keyward_tokens_edit_noted AFTER UPDATE OF kind, name, token_hash, revoked_at ON keyward_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_tokens_emptying_noted ON keyward_tokens;
CREATE TRIGGER keyward_tokens_emptying_noted AFTER TRUNCATE ON keyward_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_note_foreign_change();

COMMIT;
