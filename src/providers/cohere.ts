/** Cohere. The base is its OpenAI-compatible path; the key check lives outside it. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const cohere: KnownProviderEntry = {
  slug: 'cohere',
  displayName: 'Cohere',
  baseUrl: 'https://api.cohere.ai/compatibility/v1',
  exampleModel: 'command-r7b-12-2024',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: '', rest: '[A-Za-z0-9]{40}' }],
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'POST', path: '/v1/check-api-key', under: 'root', keyHeader: bearer },
  facts: { organisation: 'organization_id' },
  answers: [
    { ...accepted, fields: [{ path: 'valid', is: true }] },
    {
      status: 200,
      fields: [{ path: 'valid', is: false }],
      verdict: 'invalid',
      message: 'Cohere says that the key is not valid.',
      advice: 'Create a key at https://dashboard.cohere.com/api-keys and set it.',
    },
  ],
};
