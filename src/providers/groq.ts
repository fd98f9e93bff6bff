/** Groq. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const groq: KnownProviderEntry = {
  slug: 'groq',
  displayName: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  exampleModel: 'llama-3.1-8b-instant',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'gsk_', rest: '[A-Za-z0-9]{52}' }],
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer },
  models: { at: ['data'] },
  answers: [
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: [400, 403],
      code: ['organization_restricted'],
      verdict: 'restricted',
      message: 'The key is alive, but Groq has restricted its organisation.',
      advice: 'Write to the support of Groq.',
    },
    {
      status: 403,
      bodyPattern: /check your network settings/i, // seen from data centres and VPNs
      verdict: 'region_blocked',
      message: 'Groq does not serve the network that this server is in.',
      advice: 'Send requests from another network.',
      name: 'network_denied',
    },
  ],
};
