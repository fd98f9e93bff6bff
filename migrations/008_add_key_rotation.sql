-- Migration 008: the rotation of provider keys. Every key of a provider is a version; the stored key is always
-- the active one, whoever writes it. A rotation leads from one version to the next, one at a time for each
-- provider; beside it stand its figures, its schedule, and the credential that makes and revokes keys.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 008_add_key_rotation.sql, which does all of it or nothing.

BEGIN;

-- A rollback keeps the tables under other names; here they get their own back.
DO $$
DECLARE
  kept RECORD;
BEGIN
  FOR kept IN
    SELECT relname AS name, replace(relname, 'keyward_saved_', 'keyward_') AS own_name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 'S') AND relname ~ '^(idx_)?keyward_saved_'
  LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', kept.name, kept.own_name);
  END LOOP;
END
$$;

CREATE TABLE IF NOT EXISTS keyward_key_versions (
    id                BIGSERIAL PRIMARY KEY,
    provider_id       INTEGER NOT NULL,
    state             VARCHAR(20) NOT NULL CHECK (state IN ('pending', 'active', 'previous', 'retired', 'revoked')),
    encrypted_api_key TEXT,
    api_key_binding   TEXT,
    fingerprint       VARCHAR(40),
    mask              VARCHAR(40),
    origin            VARCHAR(20) NOT NULL DEFAULT 'found' CHECK (origin IN ('found', 'entered', 'minted')),
    minted_name       VARCHAR(200) UNIQUE,
    minted_id         VARCHAR(300),
    created_by        VARCHAR(300),
    reason            VARCHAR(500),
    last_verdict      VARCHAR(30),
    last_tested_at    TIMESTAMP,
    generated_at      TIMESTAMP,
    expires_at        TIMESTAMP,
    created_at        TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    promoted_at       TIMESTAMP,
    retired_at        TIMESTAMP,
    revoked_at        TIMESTAMP,
    remark            TEXT
);
COMMENT ON TABLE keyward_key_versions IS 'Every key that a provider has or had. llm_providers.encrypted_api_key is always the active one. Written by trigger and by Keyward.';
COMMENT ON COLUMN keyward_key_versions.id IS 'In the order in which the versions came.';
COMMENT ON COLUMN keyward_key_versions.provider_id IS 'llm_providers.id. The versions of a provider that is gone stay.';
COMMENT ON COLUMN keyward_key_versions.state IS 'pending: does not serve yet, or for a share. active: serves. previous: the fallback of the active one. retired: serves no more. revoked: is dead at the provider.';
COMMENT ON COLUMN keyward_key_versions.encrypted_api_key IS 'The key as a Fernet token; NULL once it is not needed any more, and before the provider has made it.';
COMMENT ON COLUMN keyward_key_versions.api_key_binding IS 'Proof that the key belongs to its provider and host, as llm_providers.api_key_binding.';
COMMENT ON COLUMN keyward_key_versions.fingerprint IS 'Identifies the key; NULL until an instance has looked at it.';
COMMENT ON COLUMN keyward_key_versions.mask IS 'The first 7 characters and the last 4.';
COMMENT ON COLUMN keyward_key_versions.origin IS 'found: stored by another program, or before versions were kept. entered: by an administrator. minted: made by the provider for Keyward.';
COMMENT ON COLUMN keyward_key_versions.minted_name IS 'What the key is called at its provider; it stands here before the provider is asked to make it.';
COMMENT ON COLUMN keyward_key_versions.minted_id IS 'The number of the key at its provider; NULL until the provider has told it.';
COMMENT ON COLUMN keyward_key_versions.created_by IS 'Who brought it; NULL for what was found.';
COMMENT ON COLUMN keyward_key_versions.reason IS 'Why, in that person''s words.';
COMMENT ON COLUMN keyward_key_versions.last_verdict IS 'What the last test, or the refusal of a call, said of the key: see docs/verdicts.md.';
COMMENT ON COLUMN keyward_key_versions.last_tested_at IS 'When that was, UTC.';
COMMENT ON COLUMN keyward_key_versions.generated_at IS 'When the provider last answered a test call that spends a token, UTC; NULL: never, or it refused since.';
COMMENT ON COLUMN keyward_key_versions.expires_at IS 'When the key ends, as the provider or an administrator says, UTC; NULL: not known.';
COMMENT ON COLUMN keyward_key_versions.created_at IS 'When it became known, UTC.';
COMMENT ON COLUMN keyward_key_versions.promoted_at IS 'When it became active, UTC.';
COMMENT ON COLUMN keyward_key_versions.retired_at IS 'When it stopped to serve for good, UTC.';
COMMENT ON COLUMN keyward_key_versions.revoked_at IS 'When the provider was known to have ended it, UTC.';
COMMENT ON COLUMN keyward_key_versions.remark IS 'What stands in the way of its revocation, in words.';
CREATE UNIQUE INDEX IF NOT EXISTS idx_keyward_key_versions_one_active ON keyward_key_versions (provider_id) WHERE state = 'active';
CREATE UNIQUE INDEX IF NOT EXISTS idx_keyward_key_versions_one_pending ON keyward_key_versions (provider_id) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS idx_keyward_key_versions_provider ON keyward_key_versions (provider_id, id);

CREATE TABLE IF NOT EXISTS keyward_rotations (
    id                  BIGSERIAL PRIMARY KEY,
    provider_id         INTEGER NOT NULL,
    step                VARCHAR(20) NOT NULL CHECK (step IN ('minting', 'staged', 'tested', 'canary', 'soaking', 'completed', 'rolled_back', 'cancelled', 'superseded', 'failed')),
    new_version_id      BIGINT NOT NULL REFERENCES keyward_key_versions (id),
    old_version_id      BIGINT REFERENCES keyward_key_versions (id),
    source_before       VARCHAR(50) NOT NULL,
    is_automatic        BOOLEAN NOT NULL DEFAULT false,
    canary_percent      NUMERIC(5, 2) NOT NULL DEFAULT 5 CHECK (canary_percent > 0 AND canary_percent <= 100),
    canary_seconds      INTEGER NOT NULL DEFAULT 600,
    canary_min_calls    INTEGER NOT NULL DEFAULT 20,
    soak_seconds        INTEGER NOT NULL DEFAULT 86400,
    is_forced           BOOLEAN NOT NULL DEFAULT false,
    explanation         TEXT,
    started_by          VARCHAR(300) NOT NULL,
    reason              VARCHAR(500),
    started_at          TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    step_since          TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    promoted_at         TIMESTAMP,
    ended_at            TIMESTAMP,
    claimed_by          UUID,
    claimed_until       TIMESTAMP,
    CHECK ((ended_at IS NULL) = (step IN ('minting', 'staged', 'tested', 'canary', 'soaking')))
);
COMMENT ON TABLE keyward_rotations IS 'The way from one key of a provider to the next. Written by Keyward; ended by trigger when another program changes the key.';
COMMENT ON COLUMN keyward_rotations.id IS 'In the order of their beginning.';
COMMENT ON COLUMN keyward_rotations.provider_id IS 'llm_providers.id. One rotation at a time may be open for each.';
COMMENT ON COLUMN keyward_rotations.step IS 'Where it stands; the last five are its ends.';
COMMENT ON COLUMN keyward_rotations.new_version_id IS 'The key that is to serve.';
COMMENT ON COLUMN keyward_rotations.old_version_id IS 'The key that was stored at its beginning; NULL where none was.';
COMMENT ON COLUMN keyward_rotations.source_before IS 'llm_providers.api_key_source at its beginning: a rollback restores it.';
COMMENT ON COLUMN keyward_rotations.is_automatic IS 'Whether Keyward takes the steps by itself.';
COMMENT ON COLUMN keyward_rotations.canary_percent IS 'Which share of the calls the new key serves while it is tried, in percent.';
COMMENT ON COLUMN keyward_rotations.canary_seconds IS 'For an automatic one: how long it is tried at least, in seconds.';
COMMENT ON COLUMN keyward_rotations.canary_min_calls IS 'For an automatic one: how many calls the new key must have served before it is promoted.';
COMMENT ON COLUMN keyward_rotations.soak_seconds IS 'How long the old key stays as the fallback of the new one, in seconds.';
COMMENT ON COLUMN keyward_rotations.is_forced IS 'A step was forced that the proof did not allow; the audit trail says which and why.';
COMMENT ON COLUMN keyward_rotations.explanation IS 'Why it stands where it stands, in words.';
COMMENT ON COLUMN keyward_rotations.started_by IS 'Who began it.';
COMMENT ON COLUMN keyward_rotations.reason IS 'Why, in that person''s words.';
COMMENT ON COLUMN keyward_rotations.started_at IS 'When it began, UTC.';
COMMENT ON COLUMN keyward_rotations.step_since IS 'When it came to its step, UTC.';
COMMENT ON COLUMN keyward_rotations.promoted_at IS 'When the new key became active, UTC.';
COMMENT ON COLUMN keyward_rotations.ended_at IS 'When it ended, UTC; NULL while it is open.';
COMMENT ON COLUMN keyward_rotations.claimed_by IS 'The instance that takes its next step.';
COMMENT ON COLUMN keyward_rotations.claimed_until IS 'Until when no other instance takes it, UTC.';
CREATE UNIQUE INDEX IF NOT EXISTS idx_keyward_rotations_one_open ON keyward_rotations (provider_id) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_keyward_rotations_provider ON keyward_rotations (provider_id, id);

CREATE TABLE IF NOT EXISTS keyward_rotation_traffic (
    rotation_id BIGINT NOT NULL REFERENCES keyward_rotations (id) ON DELETE CASCADE,
    instance_id UUID NOT NULL,
    which_key   VARCHAR(3) NOT NULL CHECK (which_key IN ('new', 'old')),
    calls       BIGINT NOT NULL,
    errors      BIGINT NOT NULL,
    refusals    BIGINT NOT NULL,
    updated_at  TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    PRIMARY KEY (rotation_id, instance_id, which_key)
);
COMMENT ON TABLE keyward_rotation_traffic IS 'What both keys of a rotation have served while it is tried and while it soaks. Written by each instance, its own rows.';
COMMENT ON COLUMN keyward_rotation_traffic.rotation_id IS 'The rotation.';
COMMENT ON COLUMN keyward_rotation_traffic.instance_id IS 'Who counted.';
COMMENT ON COLUMN keyward_rotation_traffic.which_key IS 'new or old.';
COMMENT ON COLUMN keyward_rotation_traffic.calls IS 'Calls that were sent with the key.';
COMMENT ON COLUMN keyward_rotation_traffic.errors IS 'Of these: without a good answer. A caller who left is no error.';
COMMENT ON COLUMN keyward_rotation_traffic.refusals IS 'Of these: the provider refused the key.';
COMMENT ON COLUMN keyward_rotation_traffic.updated_at IS 'When they were counted, UTC.';

CREATE TABLE IF NOT EXISTS keyward_rotation_schedules (
    provider_id        INTEGER PRIMARY KEY,
    every_days         INTEGER CHECK (every_days > 0),
    before_expiry_days INTEGER CHECK (before_expiry_days > 0),
    jitter_minutes     INTEGER NOT NULL DEFAULT 60 CHECK (jitter_minutes >= 0),
    window_from        INTEGER CHECK (window_from BETWEEN 0 AND 1439),
    window_to          INTEGER CHECK (window_to BETWEEN 0 AND 1439),
    next_at            TIMESTAMP,
    taken_at           TIMESTAMP,
    stopped_because    TEXT,
    changed_by         VARCHAR(300) NOT NULL,
    changed_at         TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CHECK (every_days IS NOT NULL OR before_expiry_days IS NOT NULL),
    CHECK ((window_from IS NULL) = (window_to IS NULL))
);
COMMENT ON TABLE keyward_rotation_schedules IS 'When keys are rotated without being asked. Written by administrators; next_at, taken_at and stopped_because by Keyward.';
COMMENT ON COLUMN keyward_rotation_schedules.provider_id IS 'llm_providers.id.';
COMMENT ON COLUMN keyward_rotation_schedules.every_days IS 'So many days after the active key came; NULL: not by age.';
COMMENT ON COLUMN keyward_rotation_schedules.before_expiry_days IS 'So many days before the active key ends; NULL: not by its end.';
COMMENT ON COLUMN keyward_rotation_schedules.jitter_minutes IS 'Up to so much later, so that not all keys are rotated at once.';
COMMENT ON COLUMN keyward_rotation_schedules.window_from IS 'The maintenance window begins so many minutes after midnight, UTC; NULL: any time.';
COMMENT ON COLUMN keyward_rotation_schedules.window_to IS 'And ends so many minutes after midnight; before window_from: on the next day.';
COMMENT ON COLUMN keyward_rotation_schedules.next_at IS 'When it is due next, UTC; NULL: not reckoned yet.';
COMMENT ON COLUMN keyward_rotation_schedules.taken_at IS 'When an instance last took it to begin the rotation, UTC; for a while no other does. Written by Keyward.';
COMMENT ON COLUMN keyward_rotation_schedules.stopped_because IS 'The one failure after which it stopped, in words; NULL while it runs.';
COMMENT ON COLUMN keyward_rotation_schedules.changed_by IS 'Who made it.';
COMMENT ON COLUMN keyward_rotation_schedules.changed_at IS 'When, UTC.';

CREATE TABLE IF NOT EXISTS keyward_management_keys (
    provider_id          INTEGER PRIMARY KEY,
    encrypted_credential TEXT NOT NULL,
    credential_binding   TEXT NOT NULL,
    fingerprint          VARCHAR(40) NOT NULL,
    mask                 VARCHAR(40) NOT NULL,
    base_url             VARCHAR(500),
    parameters           JSONB NOT NULL DEFAULT '{}',
    created_by           VARCHAR(300) NOT NULL,
    created_at           TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    swept_at             TIMESTAMP,
    last_sweep           JSONB
);
COMMENT ON TABLE keyward_management_keys IS 'The credentials that make and revoke keys at a provider. Never read by what serves callers. Written by administrators.';
COMMENT ON COLUMN keyward_management_keys.provider_id IS 'llm_providers.id.';
COMMENT ON COLUMN keyward_management_keys.encrypted_credential IS 'The credential as a Fernet token.';
COMMENT ON COLUMN keyward_management_keys.credential_binding IS 'Proof that it belongs to the management of this provider at its host.';
COMMENT ON COLUMN keyward_management_keys.fingerprint IS 'Identifies the credential.';
COMMENT ON COLUMN keyward_management_keys.mask IS 'The first 7 characters and the last 4.';
COMMENT ON COLUMN keyward_management_keys.base_url IS 'Where the management API is; NULL: where the provider has it.';
COMMENT ON COLUMN keyward_management_keys.parameters IS 'What the provider needs beside it, such as a project or an account, as an object of strings.';
COMMENT ON COLUMN keyward_management_keys.created_by IS 'Who brought it.';
COMMENT ON COLUMN keyward_management_keys.created_at IS 'When, UTC.';
COMMENT ON COLUMN keyward_management_keys.swept_at IS 'When the keys at the provider were last compared with the versions, UTC. Written by Keyward.';
COMMENT ON COLUMN keyward_management_keys.last_sweep IS 'What that comparison found, without secrets. Written by Keyward.';

-- In the statement that stores the key, so that the active version is never another one. It cannot look into
-- the key: an instance fills in mask and fingerprint of what it finds. Rights and schema as keyward_bump_revision.
CREATE OR REPLACE FUNCTION keyward_keep_key_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token  TEXT;
    number INTEGER;
    is_active BOOLEAN;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format($q$UPDATE %1$I.keyward_rotations SET step = 'superseded', ended_at = now() AT TIME ZONE 'UTC', step_since = now() AT TIME ZONE 'UTC',
                              explanation = 'The provider was deleted.' WHERE ended_at IS NULL$q$, TG_TABLE_SCHEMA);
        EXECUTE format($q$UPDATE %1$I.keyward_key_versions SET state = 'retired', retired_at = now() AT TIME ZONE 'UTC',
                              encrypted_api_key = CASE WHEN origin = 'minted' THEN encrypted_api_key END
                           WHERE state IN ('pending', 'active', 'previous')$q$, TG_TABLE_SCHEMA);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        token := nullif(NEW.encrypted_api_key, '');
        number := NEW.id;
    ELSE
        number := OLD.id;
    END IF;
    EXECUTE format($q$SELECT EXISTS (SELECT FROM %1$I.keyward_key_versions WHERE provider_id = $1 AND state = 'active' AND encrypted_api_key = $2)$q$,
                   TG_TABLE_SCHEMA) INTO is_active USING number, token;
    IF NOT is_active THEN
        -- Whoever changes the key past a rotation ends it; a key that the provider made still has to be revoked there.
        EXECUTE format($q$UPDATE %1$I.keyward_rotations SET step = 'superseded', ended_at = now() AT TIME ZONE 'UTC', step_since = now() AT TIME ZONE 'UTC',
                              explanation = CASE WHEN $2 THEN 'The provider was deleted.' ELSE 'The stored key was changed past the rotation.' END
                           WHERE provider_id = $1 AND ended_at IS NULL$q$, TG_TABLE_SCHEMA) USING number, TG_OP = 'DELETE';
        EXECUTE format($q$UPDATE %1$I.keyward_key_versions SET state = 'retired', retired_at = now() AT TIME ZONE 'UTC',
                              encrypted_api_key = CASE WHEN origin = 'minted' THEN encrypted_api_key END
                           WHERE provider_id = $1 AND state IN ('pending', 'active', 'previous')$q$, TG_TABLE_SCHEMA) USING number;
        IF token IS NOT NULL THEN
            EXECUTE format($q$INSERT INTO %1$I.keyward_key_versions (provider_id, state, encrypted_api_key, api_key_binding, promoted_at)
                              VALUES ($1, 'active', $2, $3, now() AT TIME ZONE 'UTC')$q$, TG_TABLE_SCHEMA)
              USING number, token, NEW.api_key_binding;
        END IF;
    ELSE
        EXECUTE format($q$UPDATE %1$I.keyward_key_versions SET api_key_binding = $2
                           WHERE provider_id = $1 AND state = 'active' AND api_key_binding IS DISTINCT FROM $2$q$, TG_TABLE_SCHEMA)
          USING number, NEW.api_key_binding;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keyward_keep_key_version() IS 'Makes a version of every key that is stored, and ends the rotation that it was stored past.';

DROP TRIGGER IF EXISTS keyward_providers_versioned ON llm_providers;
CREATE TRIGGER keyward_providers_versioned AFTER INSERT OR DELETE ON llm_providers
    FOR EACH ROW EXECUTE FUNCTION keyward_keep_key_version();
DROP TRIGGER IF EXISTS keyward_providers_versioned_edit ON llm_providers;
CREATE TRIGGER keyward_providers_versioned_edit AFTER UPDATE ON llm_providers FOR EACH ROW
    WHEN ((OLD.encrypted_api_key, OLD.api_key_binding) IS DISTINCT FROM (NEW.encrypted_api_key, NEW.api_key_binding))
    EXECUTE FUNCTION keyward_keep_key_version();
DROP TRIGGER IF EXISTS keyward_providers_versioned_emptying ON llm_providers;
CREATE TRIGGER keyward_providers_versioned_emptying AFTER TRUNCATE ON llm_providers
    FOR EACH STATEMENT EXECUTE FUNCTION keyward_keep_key_version();

-- The versions begin with the keys that are there, and go on from what changed while a rollback kept them. The
-- triggers above keep writers out by now; those below would take this for a change past Keyward.
DO $$
BEGIN
  UPDATE keyward_rotations AS r SET step = 'superseded', ended_at = now() AT TIME ZONE 'UTC', step_since = now() AT TIME ZONE 'UTC',
         explanation = 'The stored key was changed while migration 008 was rolled back.'
   WHERE r.ended_at IS NULL
     AND (SELECT encrypted_api_key FROM keyward_key_versions v WHERE v.provider_id = r.provider_id AND v.state = 'active')
         IS DISTINCT FROM (SELECT nullif(encrypted_api_key, '') FROM llm_providers p WHERE p.id = r.provider_id);
  UPDATE keyward_key_versions AS v SET state = 'retired', retired_at = now() AT TIME ZONE 'UTC'
   WHERE v.state IN ('pending', 'active', 'previous')
     AND NOT EXISTS (SELECT FROM keyward_rotations r WHERE r.ended_at IS NULL AND v.id IN (r.new_version_id, r.old_version_id))
     AND NOT (v.state = 'active' AND EXISTS (SELECT FROM llm_providers p WHERE p.id = v.provider_id AND p.encrypted_api_key = v.encrypted_api_key));
  INSERT INTO keyward_key_versions (provider_id, state, encrypted_api_key, api_key_binding, created_at, promoted_at)
    SELECT id, 'active', encrypted_api_key, api_key_binding,
           coalesce(CASE WHEN isfinite(api_key_updated_at) THEN api_key_updated_at END, now() AT TIME ZONE 'UTC'), api_key_updated_at
      FROM llm_providers AS p
     WHERE encrypted_api_key <> ''
       AND NOT EXISTS (SELECT FROM keyward_key_versions v WHERE v.provider_id = p.id AND v.state = 'active')
     ORDER BY id;
  -- A later statement alters these tables, which is refused while deferred triggers wait.
  SET CONSTRAINTS ALL IMMEDIATE;
END
$$;

-- The gateway serves from rotations and versions too.
DROP TRIGGER IF EXISTS keyward_rotations_changed ON keyward_rotations;
CREATE CONSTRAINT TRIGGER keyward_rotations_changed AFTER INSERT OR DELETE OR UPDATE OF step, canary_percent ON keyward_rotations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_versions_changed ON keyward_key_versions;
CREATE CONSTRAINT TRIGGER keyward_versions_changed AFTER UPDATE OF state, encrypted_api_key, api_key_binding ON keyward_key_versions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();

-- A step of a rotation is a change of its provider, for If-Match. Fires after keyward_rotations_changed, by the
-- order of the names, and finds the revision bumped.
CREATE OR REPLACE FUNCTION keyward_note_rotation_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %1$I.keyward_provider_revisions (provider_id, revision)
         SELECT $1, revision FROM %1$I.keyward_revision WHERE EXISTS (SELECT FROM %1$I.llm_providers WHERE id = $1)
         ON CONFLICT (provider_id) DO UPDATE SET revision = EXCLUDED.revision', TG_TABLE_SCHEMA) USING NEW.provider_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keyward_note_rotation_revision() IS 'Notes the revision in which a rotation of a provider took a step.';
DROP TRIGGER IF EXISTS keyward_rotations_revised ON keyward_rotations;
CREATE CONSTRAINT TRIGGER keyward_rotations_revised AFTER INSERT OR UPDATE OF step, canary_percent ON keyward_rotations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_rotation_revision();

-- Who writes here past Keyward is noted, as for llm_providers. What the trigger above does is part of a change
-- that is noted already.
DROP TRIGGER IF EXISTS keyward_rotations_noted ON keyward_rotations;
CREATE CONSTRAINT TRIGGER keyward_rotations_noted AFTER INSERT OR DELETE OR UPDATE OF step ON keyward_rotations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_versions_noted ON keyward_key_versions;
CREATE CONSTRAINT TRIGGER keyward_versions_noted AFTER INSERT OR DELETE OR UPDATE OF state, encrypted_api_key, api_key_binding ON keyward_key_versions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keyward_note_foreign_change();
DROP TRIGGER IF EXISTS keyward_management_noted ON keyward_management_keys;
CREATE CONSTRAINT TRIGGER keyward_management_noted AFTER INSERT OR DELETE OR UPDATE OF encrypted_credential, credential_binding, base_url, parameters ON keyward_management_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();

COMMIT;
