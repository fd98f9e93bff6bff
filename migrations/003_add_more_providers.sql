-- Migration 003: five more providers. A provider that is there already, by slug or by name, is left alone.
--
-- By hand: psql -v ON_ERROR_STOP=1 -f 003_add_more_providers.sql, which does all of it or nothing.

INSERT INTO llm_providers (
  provider_name, provider_slug, display_name, description, base_url,
  supports_function_calling, supports_vision,
  api_key_format, documentation_url, pricing_url, status_page_url
)
VALUES
  ('Mistral', 'mistral', 'Mistral AI', 'Mistral, Magistral and Codestral models', 'https://api.mistral.ai/v1',
    TRUE, TRUE,
    '^[A-Za-z0-9]{32}$',
    'https://docs.mistral.ai', 'https://mistral.ai/pricing', 'https://status.mistral.ai'),
  ('xAI', 'xai', 'xAI', 'Grok models', 'https://api.x.ai/v1',
    TRUE, TRUE,
    '^xai-[0-9A-Za-z_]{80}$',
    'https://docs.x.ai', 'https://docs.x.ai/docs/models', 'https://status.x.ai'),
  ('DeepSeek', 'deepseek', 'DeepSeek', 'DeepSeek models', 'https://api.deepseek.com/v1',
    TRUE, FALSE,
    '^sk-[a-z0-9]{32}$',
    'https://api-docs.deepseek.com', 'https://api-docs.deepseek.com/quick_start/pricing', 'https://status.deepseek.com'),
  ('Perplexity', 'perplexity', 'Perplexity', 'Sonar models, which search the web', 'https://api.perplexity.ai',
    FALSE, TRUE,
    '^pplx-[A-Za-z0-9]{48}$',
    'https://docs.perplexity.ai', 'https://docs.perplexity.ai/getting-started/pricing', 'https://status.perplexity.com'),
  ('Cohere', 'cohere', 'Cohere', 'Command models', 'https://api.cohere.ai/compatibility/v1',
    TRUE, TRUE,
    '^[A-Za-z0-9]{40}$',
    'https://docs.cohere.com', 'https://cohere.com/pricing', 'https://status.cohere.com')
ON CONFLICT DO NOTHING;
