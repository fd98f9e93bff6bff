-- Rollback of migration 004: removes Keyward's own tables and triggers. Tokens are lost; provider keys are not touched.

DROP TRIGGER IF EXISTS keyward_providers_new_key ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_changed ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_edited ON llm_providers;
DROP TRIGGER IF EXISTS keyward_providers_emptied ON llm_providers;
DROP TRIGGER IF EXISTS keyward_models_changed ON llm_models;
DROP TRIGGER IF EXISTS keyward_models_edited ON llm_models;
DROP TRIGGER IF EXISTS keyward_models_emptied ON llm_models;
DROP TABLE IF EXISTS keyward_tokens;
DROP TABLE IF EXISTS keyward_instances;
DROP TABLE IF EXISTS keyward_installation;
DROP TABLE IF EXISTS keyward_revision;
DROP FUNCTION IF EXISTS keyward_forget_old_key();
DROP FUNCTION IF EXISTS keyward_bump_revision();
