-- Rollback of migration 006: no more events are written. The trail that is there stays in the tables
-- keyward_audit_saved_*, and a later apply goes on from it. Twice in a row is fine.

DO $$
BEGIN
  IF to_regclass(format('%I.keyward_audit_events', current_schema())) IS NOT NULL
     AND to_regclass(format('%I.keyward_audit_chain', current_schema())) IS NOT NULL
     AND EXISTS (SELECT FROM keyward_audit_chain) THEN
    CREATE TABLE keyward_audit_saved_events AS
      SELECT sequence, event, previous_hash, hash FROM keyward_audit_events;
    CREATE TABLE keyward_audit_saved_chain AS
      SELECT encrypted_audit_key, created_at FROM keyward_audit_chain;
    CREATE TABLE keyward_audit_saved_foreign_changes AS
      SELECT * FROM keyward_foreign_changes;
    RAISE NOTICE 'The audit trail is kept in the tables keyward_audit_saved_*.';
  END IF;
END
$$;

DROP TRIGGER IF EXISTS keyward_providers_noted ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_edit_noted ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_emptying_noted ON llm_providers;
DROP TRIGGER IF EXISTS keyward_tokens_noted ON keyward_tokens;
DROP TRIGGER IF EXISTS keyward_tokens_edit_noted ON keyward_tokens;
DROP TRIGGER IF EXISTS keyward_tokens_emptying_noted ON keyward_tokens;
DROP TABLE IF EXISTS keyward_foreign_changes;
DROP TABLE IF EXISTS keyward_audit_chain;
DROP TABLE IF EXISTS keyward_audit_events;
DROP FUNCTION IF EXISTS keyward_note_foreign_change();
DROP FUNCTION IF EXISTS keyward_refuse_audit_change();
DROP FUNCTION IF EXISTS keyward_utc(TEXT);
