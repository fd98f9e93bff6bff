/** Fireworks AI. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const fireworks: KnownProviderEntry = {
  slug: 'fireworks',
  displayName: 'Fireworks AI',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'fw_', rest: '[A-Za-z0-9]{16,}' }], // community rule
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer }, // (k)
  models: { at: ['data'] },
  answers: [
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: 412, // (k)
      verdict: 'out_of_credit',
      message: 'The key is alive, but its account is suspended: mostly a spending limit or an open invoice.',
      advice: 'Look at the billing page of Fireworks AI.',
    },
  ],
};
