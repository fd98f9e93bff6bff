-- Migration 005: api_key_test_status holds one of its four values.
--
-- The check is added NOT VALID, which reads no row, and then validated, which reads all and blocks nobody.
-- Rows that hold another value stay as they are; the check then guards what is written from now on.
-- api_key_source has no check: any other value there means environment. Twice in a row is fine.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 005_add_key_checks.sql

DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = 'llm_providers'::regclass AND conname = 'llm_providers_api_key_test_status_check'
  ) THEN
    ALTER TABLE llm_providers ADD CONSTRAINT llm_providers_api_key_test_status_check
      CHECK (api_key_test_status IN ('valid', 'invalid', 'untested', 'error')) NOT VALID;
  END IF;
END
$$;

-- A runner may commit here: reading a large table takes time, and the lock of the step before keeps readers out.
DO $$
BEGIN
  ALTER TABLE llm_providers VALIDATE CONSTRAINT llm_providers_api_key_test_status_check;
EXCEPTION WHEN check_violation THEN
  RAISE WARNING 'some rows of llm_providers hold an api_key_test_status other than valid, invalid, untested or error: they stay as they are, the check guards what is written from now on'
    USING HINT = 'Correct them, then: ALTER TABLE llm_providers VALIDATE CONSTRAINT llm_providers_api_key_test_status_check';
END
$$;
