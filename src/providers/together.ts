/** Together AI. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const together: KnownProviderEntry = {
  slug: 'together',
  displayName: 'Together AI',
  baseUrl: 'https://api.together.xyz/v1',
  exampleModel: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'tgp_v1_', rest: '[\\w-]{43}' }], // community rule
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer }, // (k)
  models: { at: ['', 'data'] },
  answers: [
    { ...accepted, fields: [{ path: '', is: 'array' }] },
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: 402,
      verdict: 'out_of_credit',
      message: 'The key is alive, but its account has reached the spending cap.',
      advice: 'Raise the spending cap at https://api.together.ai/settings/billing.',
    },
    {
      status: 403,
      verdict: 'unknown',
      message: 'Together AI answers 403 when too many tokens are asked for. That says nothing about the key.',
      advice: 'Test the key again.',
    },
  ],
};
