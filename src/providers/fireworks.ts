/** Fireworks AI. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const fireworks: KnownProviderEntry = {
  slug: 'fireworks',
  displayName: 'Fireworks AI',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  exampleModel: 'accounts/fireworks/models/llama-v3p3-70b-instruct',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'fw_', rest: '[A-Za-z0-9]{16,}' }], // community rule
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer }, // (k)
  models: { at: ['data'] },
  management: {
    baseUrl: 'https://api.fireworks.ai',
    keyHeader: bearer,
    credential:
      'a key of a user who may manage the account, from https://app.fireworks.ai/settings/users/api-keys',
    parameters: { account: 'the id of the account', user: 'the id of the user to whom the keys belong' },
    mint: {
      call: {
        method: 'POST',
        path: '/v1/accounts/{account}/users/{user}/apiKeys',
        body: { apiKey: { displayName: '{name}' } },
      },
      secretAt: 'key',
      idAt: 'keyId',
    },
    list: {
      call: { method: 'GET', path: '/v1/accounts/{account}/users/{user}/apiKeys?pageSize=200' },
      at: 'apiKeys',
      idAt: 'keyId',
      nameAt: 'displayName',
      next: { parameter: 'pageToken', from: 'nextPageToken' },
    },
    revoke: {
      method: 'POST',
      path: '/v1/accounts/{account}/users/{user}/apiKeys:delete',
      body: { keyId: '{id}' },
    },
  },
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
