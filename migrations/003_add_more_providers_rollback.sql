-- Rollback of migration 003: removes the five providers that it added, where nobody has used them since.
--
-- A provider stays when its row is not as 003 wrote it, or when it has a key, a source of its own, a
-- model, a user key or a usage log. Twice in a row is fine.

DO $$
DECLARE
  kept TEXT;
BEGIN
  IF to_regclass(format('%I.llm_providers', current_schema())) IS NULL THEN
    RAISE NOTICE 'There is no llm_providers in the schema %: nothing to roll back.', current_schema();
    RETURN;
  END IF;

  -- The columns of 002 are read by way of JSON: its rollback may have taken them out already.
  DELETE FROM llm_providers AS provider
  WHERE (provider_slug, provider_name, display_name, description, base_url) IN (
      ('mistral', 'Mistral', 'Mistral AI', 'Mistral, Magistral and Codestral models', 'https://api.mistral.ai/v1'),
      ('xai', 'xAI', 'xAI', 'Grok models', 'https://api.x.ai/v1'),
      ('deepseek', 'DeepSeek', 'DeepSeek', 'DeepSeek models', 'https://api.deepseek.com/v1'),
      ('perplexity', 'Perplexity', 'Perplexity', 'Sonar models, which search the web', 'https://api.perplexity.ai'),
      ('cohere', 'Cohere', 'Cohere', 'Command models', 'https://api.cohere.ai/compatibility/v1')
    )
    AND is_active
    AND to_jsonb(provider) ->> 'encrypted_api_key' IS NULL
    AND to_jsonb(provider) ->> 'api_key_updated_at' IS NULL
    AND coalesce(to_jsonb(provider) ->> 'api_key_source', 'environment') = 'environment'
    AND NOT EXISTS (SELECT FROM llm_models WHERE provider_id = provider.id)
    AND NOT EXISTS (SELECT FROM user_api_keys WHERE provider_id = provider.id)
    AND NOT EXISTS (SELECT FROM llm_usage_logs WHERE provider_id = provider.id);

  SELECT string_agg(provider_slug, ', ' ORDER BY provider_slug) INTO kept FROM llm_providers
  WHERE provider_slug IN ('mistral', 'xai', 'deepseek', 'perplexity', 'cohere');
  IF kept IS NOT NULL THEN
    RAISE WARNING 'These providers are in use or were there before, and stay: %', kept;
  END IF;
END
$$;
