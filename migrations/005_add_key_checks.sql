-- Migration 005: api_key_test_status holds one of its four values.
--
-- The check is added NOT VALID, which reads no row, and then validated, which reads all and blocks nobody.
-- Rows that hold another value stay as they are; the check guards what is written from now on, and a
-- program that writes such a row without a word about its status is not refused: see the trigger.
-- api_key_source has no check: any other value there means environment. Twice in a row is fine.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 005_add_key_checks.sql, which does all of it or nothing.

BEGIN;

-- A check looks at the whole new row, also when the column was left alone: without this, every change of a
-- row from before the check would fail, until somebody corrects it.
CREATE OR REPLACE FUNCTION keyward_forget_odd_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.api_key_test_status := CASE WHEN NEW.encrypted_api_key IS NULL THEN NULL ELSE 'untested' END;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keyward_forget_odd_status() IS 'Makes an api_key_test_status from before its check untested, when its row is written by a program that leaves it alone.';

-- One statement: the check is never there without the trigger, and the table is locked for both at once.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = 'llm_providers'::regclass AND conname = 'llm_providers_api_key_test_status_check'
  ) THEN
    ALTER TABLE llm_providers ADD CONSTRAINT llm_providers_api_key_test_status_check
      CHECK (api_key_test_status IN ('valid', 'invalid', 'untested', 'error')) NOT VALID;
  END IF;
  DROP TRIGGER IF EXISTS keyward_providers_odd_status ON llm_providers;
  CREATE TRIGGER keyward_providers_odd_status BEFORE UPDATE ON llm_providers FOR EACH ROW
    WHEN (OLD.api_key_test_status = NEW.api_key_test_status
          AND NEW.api_key_test_status NOT IN ('valid', 'invalid', 'untested', 'error'))
    EXECUTE FUNCTION keyward_forget_odd_status();
END
$$;

-- A runner may commit here: reading a large table takes time, and the lock of the step before keeps readers out.
DO $$
BEGIN
  ALTER TABLE llm_providers VALIDATE CONSTRAINT llm_providers_api_key_test_status_check;
EXCEPTION WHEN check_violation THEN
  RAISE WARNING 'some rows of llm_providers hold an api_key_test_status other than valid, invalid, untested or error: they stay as they are until they are next written, the check guards what is written from now on'
    USING HINT = 'Correct them, then: ALTER TABLE llm_providers VALIDATE CONSTRAINT llm_providers_api_key_test_status_check';
END
$$;

COMMIT;
