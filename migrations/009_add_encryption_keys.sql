-- Migration 009: the change of the encryption key. Which keys are in use, each with a canary that only it opens;
-- beside every stored token, which key encrypted it; and which keys each running server knows.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 009_add_encryption_keys.sql, which does all of it or nothing.

BEGIN;

CREATE TABLE IF NOT EXISTS keyward_encryption_keys (
    key_id        VARCHAR(8) PRIMARY KEY,
    canary        TEXT NOT NULL,
    first_used_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    retired_at    TIMESTAMP
);
COMMENT ON TABLE keyward_encryption_keys IS 'The encryption keys that have encrypted something here. The keys themselves are never in the database. Written by Keyward.';
COMMENT ON COLUMN keyward_encryption_keys.key_id IS 'Names the key; nothing of it can be told from this.';
COMMENT ON COLUMN keyward_encryption_keys.canary IS 'A Fernet token that only this key opens: a start without the key is refused.';
COMMENT ON COLUMN keyward_encryption_keys.first_used_at IS 'When it encrypted for the first time, UTC.';
COMMENT ON COLUMN keyward_encryption_keys.retired_at IS 'Since when nothing is stored under it, UTC; NULL: it is needed.';

ALTER TABLE keyward_instances ADD COLUMN IF NOT EXISTS encryption_key_ids JSONB NOT NULL DEFAULT '[]';
COMMENT ON COLUMN keyward_instances.encryption_key_ids IS 'The ids of the keys in its encryption key ring; the first encrypts.';

-- No trigger keeps these: the mark holds a hash of its token, and says nothing of another one.
ALTER TABLE llm_providers ADD COLUMN IF NOT EXISTS encrypted_under TEXT NULL;
ALTER TABLE user_api_keys ADD COLUMN IF NOT EXISTS encrypted_under TEXT NULL;
ALTER TABLE keyward_key_versions ADD COLUMN IF NOT EXISTS encrypted_under TEXT NULL;
ALTER TABLE keyward_management_keys ADD COLUMN IF NOT EXISTS encrypted_under TEXT NULL;
ALTER TABLE keyward_idempotency_keys ADD COLUMN IF NOT EXISTS encrypted_under TEXT NULL;
COMMENT ON COLUMN llm_providers.encrypted_under IS 'Which encryption key made encrypted_api_key: its id, a dot, and 16 hex digits of the SHA-256 of that token. NULL or with another hash: not known. Written by Keyward.';
COMMENT ON COLUMN user_api_keys.encrypted_under IS 'Which encryption key made encrypted_api_key, as in llm_providers. Written by Keyward when it encrypts anew.';
COMMENT ON COLUMN keyward_key_versions.encrypted_under IS 'Which encryption key made encrypted_api_key, as in llm_providers.';
COMMENT ON COLUMN keyward_management_keys.encrypted_under IS 'Which encryption key made encrypted_credential, as in llm_providers.';
COMMENT ON COLUMN keyward_idempotency_keys.encrypted_under IS 'Which encryption key made answer, as in llm_providers.';

COMMIT;
