/** xAI. The test asks for the key's own status; a bad key is a 400 or a 401. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted, anObject } from './shared-answers.ts';

export const xai: KnownProviderEntry = {
  slug: 'xai',
  displayName: 'xAI',
  semanticName: 'x_ai',
  baseUrl: 'https://api.x.ai/v1',
  exampleModel: 'grok-3-mini',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'xai-', rest: '[0-9a-zA-Z_]{80}' }],
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/api-key', under: 'base', keyHeader: bearer },
  facts: { name: 'name', organisation: 'team_id', permissions: 'acls' },
  management: {
    baseUrl: 'https://management-api.x.ai',
    keyHeader: bearer,
    credential: 'a management key, from https://console.x.ai',
    parameters: { team: 'the id of the team in which the keys are made' },
    mint: {
      call: {
        method: 'POST',
        path: '/auth/teams/{team}/api-keys',
        // With empty ACLs every call would fail.
        body: { name: '{name}', acls: ['api-key:model:*', 'api-key:endpoint:*'] },
      },
      secretAt: 'apiKey',
      idAt: 'apiKeyId',
    },
    list: {
      call: { method: 'GET', path: '/auth/teams/{team}/api-keys?pageSize=100' },
      at: 'apiKeys',
      idAt: 'apiKeyId',
      nameAt: 'name',
      off: { path: 'disabled', is: [true] },
      next: { parameter: 'paginationToken', from: 'paginationToken' }, // (k) where the answer has it
    },
    revoke: { method: 'DELETE', path: '/auth/api-keys/{id}' },
    spread: { method: 'GET', path: '/auth/api-keys/{id}/propagation' },
  },
  answers: [
    {
      status: 200,
      fields: [{ path: 'api_key_blocked', is: true }],
      verdict: 'invalid',
      message: 'xAI has blocked the key.',
      advice: 'Create a key at https://console.x.ai and set it.',
      name: 'api_key_blocked',
    },
    {
      status: 200,
      fields: [{ path: 'api_key_disabled', is: true }],
      verdict: 'invalid',
      message: 'The key is disabled at xAI.',
      advice: 'Enable the key at https://console.x.ai, or create another and set it.',
      name: 'api_key_disabled',
    },
    {
      status: 200,
      fields: [{ path: 'team_blocked', is: true }],
      verdict: 'restricted',
      message: 'The key is alive, but xAI has blocked its team.',
      advice: 'Look at the team at https://console.x.ai.',
      name: 'team_blocked',
    },
    {
      status: 200,
      fields: [{ path: 'acls', is: 'empty array' }],
      verdict: 'restricted',
      message: 'The key is alive, but may call no model and no endpoint.',
      advice: 'Give the key access to models and endpoints at https://console.x.ai.',
      name: 'empty_acls',
    },
    { ...accepted, fields: [{ path: 'acls', is: 'array' }] },
    {
      status: 400,
      bodyPattern: /"error"\s*:\s*"Incorrect(?: |%20)API(?: |%20)key/i,
      fields: anObject,
      verdict: 'invalid',
      message: 'xAI does not know the key: it is mistyped or deleted.',
      advice: 'Create a key at https://console.x.ai and set it.',
      name: 'incorrect_api_key',
    },
    {
      status: [401, 403],
      code: ['unauthenticated:bad-credentials'], // (k) seen for tokens of another kind
      verdict: 'invalid',
      message: 'xAI refused the key: it is mistyped, deleted or expired.',
      advice: 'Create a key at https://console.x.ai and set it.',
    },
    {
      status: [403, 429],
      bodyPattern: /any credits|run out of credits|all available credits|spending limit/i,
      verdict: 'out_of_credit',
      message: 'The key is alive, but its team has no credit or has reached its spending limit.',
      advice: 'Buy credits or raise the limit at https://console.x.ai.',
      name: 'no_credits',
    },
  ],
};
