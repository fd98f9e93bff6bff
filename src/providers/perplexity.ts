/** Perplexity. The base has no /v1, but the list of models has. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const perplexity: KnownProviderEntry = {
  slug: 'perplexity',
  displayName: 'Perplexity',
  baseUrl: 'https://api.perplexity.ai',
  exampleModel: 'sonar',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'pplx-', rest: '[A-Za-z0-9]{48}' }],
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/v1/models', under: 'root', keyHeader: bearer },
  models: { at: ['data'] },
  management: {
    baseUrl: 'https://api.perplexity.ai',
    keyHeader: bearer,
    credential: 'an API key of the group, from https://www.perplexity.ai/account/api/keys',
    parameters: {},
    // Tokens cannot be listed: what a crash leaves behind is named, and a person has to look for it.
    mint: {
      call: { method: 'POST', path: '/generate_auth_token', body: { token_name: '{name}' } },
      secretAt: 'auth_token',
    },
    revoke: { method: 'POST', path: '/revoke_auth_token', body: { auth_token: '{key}' } },
  },
  answers: [
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: 401,
      code: ['invalid_api_key'],
      verdict: 'invalid',
      message: 'Perplexity does not know the key: it is mistyped or revoked.',
      advice: 'Create a key at https://www.perplexity.ai/account/api and set it.',
    },
    {
      status: 401,
      from: 'page', // its front server was seen to answer so, but so does any other
      bodyPattern: /401 Authorization Required[^]*openresty/i,
      verdict: 'unknown',
      message: 'A front server refused the request. It may be one of Perplexity, or one on the way.',
      advice: 'Look at the key at https://www.perplexity.ai/account/api, then test again.',
      name: 'authorization_required',
    },
  ],
};
