/** Perplexity. The base has no /v1, but the list of models has; a bad key may be answered by a web page. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const perplexity: KnownProviderEntry = {
  slug: 'perplexity',
  displayName: 'Perplexity',
  baseUrl: 'https://api.perplexity.ai',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'pplx-', rest: '[A-Za-z0-9]{48}' }],
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/v1/models', under: 'root', keyHeader: bearer },
  answers: [
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: 401,
      from: 'page',
      bodyPattern: /401 Authorization Required[^]*openresty/i, // (k) the page of its front server
      verdict: 'invalid',
      message: 'Perplexity does not know the key: it is mistyped or revoked.',
      advice: 'Create a key at https://www.perplexity.ai/account/api and set it.',
      name: 'authorization_required',
    },
  ],
};
