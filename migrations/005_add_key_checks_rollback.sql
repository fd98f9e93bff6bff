-- Rollback of migration 005: any text may stand in api_key_test_status again. Twice in a row is fine.

ALTER TABLE IF EXISTS llm_providers DROP CONSTRAINT IF EXISTS llm_providers_api_key_test_status_check;
DROP TRIGGER IF EXISTS keyward_providers_odd_status ON llm_providers;
DROP FUNCTION IF EXISTS keyward_forget_odd_status();
