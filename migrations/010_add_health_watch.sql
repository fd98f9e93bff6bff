-- Migration 010: the health watch. The daily test of every provider's key, what live calls say of it, the
-- policy of its age, and the alerts with the channels that deliver them.
--
-- The columns of health stand in llm_providers since 001, and none of them moves a revision.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 010_add_health_watch.sql, which does all of it or nothing.

BEGIN;

-- A rollback keeps what administrators wrote under other names; here it gets its own back.
DO $$
DECLARE
  kept RECORD;
BEGIN
  FOR kept IN
    SELECT relname AS name, replace(relname, 'keyward_health_saved_', 'keyward_') AS own_name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i', 'S') AND relname ~ '^(idx_)?keyward_health_saved_'
  LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', kept.name, kept.own_name);
  END LOOP;
END
$$;

CREATE TABLE IF NOT EXISTS keyward_key_policies (
    provider_id         INTEGER PRIMARY KEY,
    ageing_days         INTEGER NOT NULL DEFAULT 75 CHECK (ageing_days > 0),
    due_days            INTEGER NOT NULL DEFAULT 90,
    overdue_days        INTEGER NOT NULL DEFAULT 120,
    owner               VARCHAR(300),
    snoozed_until       TIMESTAMP,
    snooze_reason       VARCHAR(500),
    probe_model         VARCHAR(300),
    probe_monthly_calls INTEGER CHECK (probe_monthly_calls > 0),
    probe_month         DATE,
    probe_calls         INTEGER NOT NULL DEFAULT 0,
    changed_by          VARCHAR(300) NOT NULL,
    changed_at          TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CHECK (ageing_days <= due_days AND due_days <= overdue_days),
    CHECK ((probe_model IS NULL) = (probe_monthly_calls IS NULL))
);
COMMENT ON TABLE keyward_key_policies IS 'How old a provider''s key may grow, and whose it is; a provider without a row has the defaults. Written by administrators.';
COMMENT ON COLUMN keyward_key_policies.provider_id IS 'llm_providers.id.';
COMMENT ON COLUMN keyward_key_policies.ageing_days IS 'From this age in days a key is ageing.';
COMMENT ON COLUMN keyward_key_policies.due_days IS 'From this age in days its rotation is due.';
COMMENT ON COLUMN keyward_key_policies.overdue_days IS 'From this age in days its rotation is overdue.';
COMMENT ON COLUMN keyward_key_policies.owner IS 'Who looks after the key: a person or a team, in words.';
COMMENT ON COLUMN keyward_key_policies.snoozed_until IS 'Until then the age warns nobody, UTC; NULL: it does.';
COMMENT ON COLUMN keyward_key_policies.snooze_reason IS 'Why, in the administrator''s words.';
COMMENT ON COLUMN keyward_key_policies.probe_model IS 'The model of a daily call that spends a token; NULL: free calls only.';
COMMENT ON COLUMN keyward_key_policies.probe_monthly_calls IS 'How many such calls a month may be made.';
COMMENT ON COLUMN keyward_key_policies.probe_month IS 'First day of the month that probe_calls counts, UTC. Written by Keyward.';
COMMENT ON COLUMN keyward_key_policies.probe_calls IS 'Calls made in that month. Written by Keyward.';
COMMENT ON COLUMN keyward_key_policies.changed_by IS 'Who wrote it last.';
COMMENT ON COLUMN keyward_key_policies.changed_at IS 'When, UTC.';

-- A policy is a change of its provider, for If-Match. The second finds the revision bumped, by the order of the names.
DROP TRIGGER IF EXISTS keyward_policies_changed ON keyward_key_policies;
CREATE CONSTRAINT TRIGGER keyward_policies_changed
    AFTER INSERT OR UPDATE OF ageing_days, due_days, overdue_days, owner, snoozed_until, snooze_reason, probe_model, probe_monthly_calls ON keyward_key_policies
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_bump_revision();
DROP TRIGGER IF EXISTS keyward_policies_revised ON keyward_key_policies;
CREATE CONSTRAINT TRIGGER keyward_policies_revised
    AFTER INSERT OR UPDATE OF ageing_days, due_days, overdue_days, owner, snoozed_until, snooze_reason, probe_model, probe_monthly_calls ON keyward_key_policies
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_rotation_revision();
DROP TRIGGER IF EXISTS keyward_policies_noted ON keyward_key_policies;
CREATE CONSTRAINT TRIGGER keyward_policies_noted
    AFTER INSERT OR DELETE OR UPDATE OF ageing_days, due_days, overdue_days, owner, snoozed_until, snooze_reason, probe_model, probe_monthly_calls ON keyward_key_policies
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();

CREATE TABLE IF NOT EXISTS keyward_daily_tests (
    provider_id      INTEGER NOT NULL,
    day              DATE NOT NULL,
    due_at           TIMESTAMP NOT NULL,
    state            VARCHAR(20) NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'missed')),
    asked_by         VARCHAR(300),
    claimed_by       UUID,
    claimed_until    TIMESTAMP,
    tested_at        TIMESTAMP,
    verdict          VARCHAR(30),
    response_time_ms INTEGER,
    remark           VARCHAR(500),
    PRIMARY KEY (provider_id, day)
);
COMMENT ON TABLE keyward_daily_tests IS 'The test that each provider''s key has once a day. Written by Keyward.';
COMMENT ON COLUMN keyward_daily_tests.provider_id IS 'llm_providers.id.';
COMMENT ON COLUMN keyward_daily_tests.day IS 'The day in UTC.';
COMMENT ON COLUMN keyward_daily_tests.due_at IS 'From when on it is run, UTC.';
COMMENT ON COLUMN keyward_daily_tests.state IS 'waiting, running, done, or missed: nobody ran it while the day lasted.';
COMMENT ON COLUMN keyward_daily_tests.asked_by IS 'Who had it run now; NULL: it came by itself.';
COMMENT ON COLUMN keyward_daily_tests.claimed_by IS 'The instance that runs it.';
COMMENT ON COLUMN keyward_daily_tests.claimed_until IS 'Until when no other instance takes it, UTC; void earlier when that instance is gone.';
COMMENT ON COLUMN keyward_daily_tests.tested_at IS 'When the provider was asked, UTC.';
COMMENT ON COLUMN keyward_daily_tests.verdict IS 'What it said: see docs/verdicts.md. NULL: nothing was asked.';
COMMENT ON COLUMN keyward_daily_tests.response_time_ms IS 'How long the provider took, in milliseconds.';
COMMENT ON COLUMN keyward_daily_tests.remark IS 'Why nothing was asked, in words.';
CREATE INDEX IF NOT EXISTS idx_keyward_daily_tests_day ON keyward_daily_tests (day);

CREATE TABLE IF NOT EXISTS keyward_live_verdicts (
    provider_id   INTEGER NOT NULL,
    fingerprint   VARCHAR(40) NOT NULL,
    verdict       VARCHAR(30) NOT NULL,
    calls         BIGINT NOT NULL,
    first_seen_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    last_seen_at  TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    claimed_by    UUID,
    claimed_until TIMESTAMP,
    tested_at     TIMESTAMP,
    PRIMARY KEY (provider_id, fingerprint, verdict)
);
COMMENT ON TABLE keyward_live_verdicts IS 'What the calls of callers said of each key, last and how often. Written by Keyward.';
COMMENT ON COLUMN keyward_live_verdicts.provider_id IS 'llm_providers.id.';
COMMENT ON COLUMN keyward_live_verdicts.fingerprint IS 'The key that the calls were sent with.';
COMMENT ON COLUMN keyward_live_verdicts.verdict IS 'What the answers said of it: see docs/verdicts.md. Good answers count as valid.';
COMMENT ON COLUMN keyward_live_verdicts.calls IS 'How many calls, as far as instances have told.';
COMMENT ON COLUMN keyward_live_verdicts.first_seen_at IS 'The first time, UTC.';
COMMENT ON COLUMN keyward_live_verdicts.last_seen_at IS 'The last time, UTC.';
COMMENT ON COLUMN keyward_live_verdicts.claimed_by IS 'The instance that has the refused key tested.';
COMMENT ON COLUMN keyward_live_verdicts.claimed_until IS 'Until when no other instance does, UTC.';
COMMENT ON COLUMN keyward_live_verdicts.tested_at IS 'When the key was last tested because of this verdict, UTC; NULL: never.';

CREATE TABLE IF NOT EXISTS keyward_alerts (
    id               BIGSERIAL PRIMARY KEY,
    cause            VARCHAR(300) NOT NULL,
    kind             VARCHAR(50) NOT NULL,
    severity         VARCHAR(20) NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    provider_id      INTEGER,
    details          JSONB NOT NULL DEFAULT '{}',
    occurrences      BIGINT NOT NULL DEFAULT 1,
    opened_at        TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at       TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    resolved_at      TIMESTAMP,
    acknowledged_at  TIMESTAMP,
    acknowledged_by  VARCHAR(300),
    snoozed_until    TIMESTAMP,
    snoozed_by       VARCHAR(300),
    reason           VARCHAR(500),
    reminders        INTEGER NOT NULL DEFAULT 0,
    next_reminder_at TIMESTAMP
);
COMMENT ON TABLE keyward_alerts IS 'What somebody should know of: one alert for one cause, open until the cause is gone. Written by Keyward.';
COMMENT ON COLUMN keyward_alerts.id IS 'In the order of their opening.';
COMMENT ON COLUMN keyward_alerts.cause IS 'Names what is wrong; no two open alerts have the same.';
COMMENT ON COLUMN keyward_alerts.kind IS 'The kind of cause, which rules and channels know.';
COMMENT ON COLUMN keyward_alerts.severity IS 'info, warning or critical.';
COMMENT ON COLUMN keyward_alerts.provider_id IS 'llm_providers.id; NULL: of several providers, or of none.';
COMMENT ON COLUMN keyward_alerts.details IS 'What its message says, without secrets.';
COMMENT ON COLUMN keyward_alerts.occurrences IS 'How often the cause was seen while it is open.';
COMMENT ON COLUMN keyward_alerts.opened_at IS 'When it was opened, UTC.';
COMMENT ON COLUMN keyward_alerts.updated_at IS 'When its cause was last seen or its words changed, UTC.';
COMMENT ON COLUMN keyward_alerts.resolved_at IS 'When the cause was gone, UTC; NULL while it is open.';
COMMENT ON COLUMN keyward_alerts.acknowledged_at IS 'Since when somebody sees to it, UTC. Written by administrators.';
COMMENT ON COLUMN keyward_alerts.acknowledged_by IS 'Who. Written by administrators.';
COMMENT ON COLUMN keyward_alerts.snoozed_until IS 'Until then it is told nobody, UTC. Written by administrators.';
COMMENT ON COLUMN keyward_alerts.snoozed_by IS 'Who said so. Written by administrators.';
COMMENT ON COLUMN keyward_alerts.reason IS 'Why it was acknowledged or snoozed, in that person''s words. Written by administrators.';
COMMENT ON COLUMN keyward_alerts.reminders IS 'How many reminders were sent.';
COMMENT ON COLUMN keyward_alerts.next_reminder_at IS 'When the next one is due, UTC; NULL: none is.';
CREATE UNIQUE INDEX IF NOT EXISTS idx_keyward_alerts_one_open ON keyward_alerts (cause) WHERE resolved_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_keyward_alerts_provider ON keyward_alerts (provider_id, id);

CREATE TABLE IF NOT EXISTS keyward_alert_channels (
    id                 SERIAL PRIMARY KEY,
    name               VARCHAR(100) NOT NULL UNIQUE,
    kind               VARCHAR(20) NOT NULL CHECK (kind IN ('email', 'slack', 'teams', 'webhook', 'log')),
    encrypted_settings TEXT,
    encrypted_under    TEXT,
    rules              JSONB NOT NULL DEFAULT '{}',
    quiet_from         INTEGER CHECK (quiet_from BETWEEN 0 AND 1439),
    quiet_to           INTEGER CHECK (quiet_to BETWEEN 0 AND 1439),
    is_active          BOOLEAN NOT NULL DEFAULT true,
    changed_by         VARCHAR(300) NOT NULL,
    changed_at         TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
    CHECK (encrypted_settings IS NOT NULL OR kind = 'log')
);
-- The rollback of 009 takes this column also from a table that is kept.
ALTER TABLE keyward_alert_channels ADD COLUMN IF NOT EXISTS encrypted_under TEXT;
COMMENT ON TABLE keyward_alert_channels IS 'Where alerts are sent. Written by administrators.';
COMMENT ON COLUMN keyward_alert_channels.id IS 'The number of the channel.';
COMMENT ON COLUMN keyward_alert_channels.name IS 'What administrators call it.';
COMMENT ON COLUMN keyward_alert_channels.kind IS 'email, slack, teams, webhook or log.';
COMMENT ON COLUMN keyward_alert_channels.encrypted_settings IS 'Its address and its secrets: JSON as a Fernet token; NULL for the log, which has none.';
COMMENT ON COLUMN keyward_alert_channels.encrypted_under IS 'Which encryption key made encrypted_settings, as in llm_providers. Written by Keyward.';
COMMENT ON COLUMN keyward_alert_channels.rules IS 'Which alerts it gets, by severity, kind and provider.';
COMMENT ON COLUMN keyward_alert_channels.quiet_from IS 'Its quiet hours begin so many minutes after midnight, UTC; NULL: it has none.';
COMMENT ON COLUMN keyward_alert_channels.quiet_to IS 'And end so many minutes after midnight; before quiet_from: on the next day.';
COMMENT ON COLUMN keyward_alert_channels.is_active IS 'Whether anything is sent there.';
COMMENT ON COLUMN keyward_alert_channels.changed_by IS 'Who wrote it last.';
COMMENT ON COLUMN keyward_alert_channels.changed_at IS 'When, UTC.';
DROP TRIGGER IF EXISTS keyward_channels_noted ON keyward_alert_channels;
CREATE CONSTRAINT TRIGGER keyward_channels_noted
    AFTER INSERT OR DELETE OR UPDATE OF name, kind, encrypted_settings, rules, quiet_from, quiet_to, is_active ON keyward_alert_channels
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keyward_note_foreign_change();

CREATE TABLE IF NOT EXISTS keyward_alert_deliveries (
    id              BIGSERIAL PRIMARY KEY,
    alert_id        BIGINT REFERENCES keyward_alerts (id) ON DELETE CASCADE,
    channel_id      INTEGER NOT NULL REFERENCES keyward_alert_channels (id) ON DELETE CASCADE,
    event           VARCHAR(20) NOT NULL CHECK (event IN ('opened', 'updated', 'resolved', 'reminder', 'test')),
    state           VARCHAR(20) NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'delivered', 'failed', 'dropped')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    claimed_by      UUID,
    claimed_until   TIMESTAMP,
    last_error      TEXT,
    created_at      TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    delivered_at    TIMESTAMP,
    CHECK ((alert_id IS NULL) = (event = 'test'))
);
COMMENT ON TABLE keyward_alert_deliveries IS 'Each message to a channel, and what became of it. Written by Keyward.';
COMMENT ON COLUMN keyward_alert_deliveries.id IS 'The name of the message for its receiver: the same at every attempt.';
COMMENT ON COLUMN keyward_alert_deliveries.alert_id IS 'The alert; NULL for a test of the channel.';
COMMENT ON COLUMN keyward_alert_deliveries.channel_id IS 'Where it goes.';
COMMENT ON COLUMN keyward_alert_deliveries.event IS 'What happened to the alert, or test.';
COMMENT ON COLUMN keyward_alert_deliveries.state IS 'waiting, sending, delivered, failed: given up after the last attempt; dropped: no longer worth sending.';
COMMENT ON COLUMN keyward_alert_deliveries.attempts IS 'How often it was tried.';
COMMENT ON COLUMN keyward_alert_deliveries.next_attempt_at IS 'From when on it is tried next, UTC.';
COMMENT ON COLUMN keyward_alert_deliveries.claimed_by IS 'The instance that sends it.';
COMMENT ON COLUMN keyward_alert_deliveries.claimed_until IS 'Until when no other instance does, UTC.';
COMMENT ON COLUMN keyward_alert_deliveries.last_error IS 'What went wrong the last time, in words without secrets.';
COMMENT ON COLUMN keyward_alert_deliveries.created_at IS 'When it was queued, UTC.';
COMMENT ON COLUMN keyward_alert_deliveries.delivered_at IS 'When the channel took it, UTC.';
CREATE INDEX IF NOT EXISTS idx_keyward_alert_deliveries_open ON keyward_alert_deliveries (next_attempt_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX IF NOT EXISTS idx_keyward_alert_deliveries_channel ON keyward_alert_deliveries (channel_id, id);
CREATE INDEX IF NOT EXISTS idx_keyward_alert_deliveries_alert ON keyward_alert_deliveries (alert_id);

COMMIT;
