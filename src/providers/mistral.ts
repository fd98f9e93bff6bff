/** Mistral AI. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const mistral: KnownProviderEntry = {
  slug: 'mistral',
  displayName: 'Mistral AI',
  semanticName: 'mistral_ai',
  baseUrl: 'https://api.mistral.ai/v1',
  exampleModel: 'mistral-small-latest',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: '', rest: '[A-Za-z0-9]{32}' }], // (k)
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer }, // (k)
  models: { at: ['data'] },
  answers: [{ ...accepted, fields: [{ path: 'data', is: 'array' }] }],
};
