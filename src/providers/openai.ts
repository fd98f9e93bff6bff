/** OpenAI. A 401 has several meanings there, so only the code `invalid_api_key` counts as proof. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted, anObject } from './shared-answers.ts';

export const openai: KnownProviderEntry = {
  slug: 'openai',
  displayName: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  exampleModel: 'gpt-4o-mini',
  alternativeEnvironmentNames: [],
  keyShapes: [
    { prefix: 'sk-proj-', rest: '[\\w-]{20,}' },
    { prefix: 'sk-svcacct-', rest: '[\\w-]{20,}' },
    { prefix: 'sk-service-', rest: '[\\w-]{20,}' },
    { prefix: 'sk-', rest: '[\\w-]{20,}T3BlbkFJ[\\w-]{20,}' },
  ],
  forbiddenKeys: [
    {
      prefix: 'sk-admin-',
      message:
        'This is an OpenAI admin key: it manages the organisation and cannot chat. Take a project key or a service account key.',
    },
  ],
  keyHeader: bearer,
  test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer },
  models: { at: ['data'] },
  management: {
    baseUrl: 'https://api.openai.com/v1',
    keyHeader: bearer,
    credential:
      'an admin key (sk-admin-…), from https://platform.openai.com/settings/organization/admin-keys',
    parameters: { project: 'the id of the project in which the keys are made, proj_…' },
    // A service account for each key: deleting the key of an account fails, deleting the account does not.
    mint: {
      call: {
        method: 'POST',
        path: '/organization/projects/{project}/service_accounts',
        body: { name: '{name}' },
      },
      secretAt: 'api_key.value',
      idAt: 'id',
    },
    list: {
      call: { method: 'GET', path: '/organization/projects/{project}/service_accounts?limit=100' },
      at: 'data',
      idAt: 'id',
      nameAt: 'name',
      next: { parameter: 'after', from: 'last_id' },
    },
    revoke: { method: 'DELETE', path: '/organization/projects/{project}/service_accounts/{id}' },
  },
  answers: [
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: 401,
      code: ['invalid_api_key'],
      verdict: 'invalid',
      message: 'OpenAI does not know the key: it is mistyped, deleted or expired.',
      advice: 'Create a key at https://platform.openai.com/api-keys and set it.',
    },
    {
      status: 401,
      code: ['account_deactivated'], // (k)
      verdict: 'restricted',
      message: 'OpenAI has deactivated the account of the key.',
      advice: 'Write to the support of OpenAI, or set a key of another account.',
    },
    {
      status: [401, 403],
      bodyPattern: /missing scopes|insufficient permissions/i,
      verdict: 'restricted',
      message: 'The key is alive, but lacks the scope for this call.',
      advice:
        'Give the key the scopes "Models: read" and "Model capabilities: write", or take one without restrictions.',
      name: 'missing_scopes',
    },
    {
      status: 401,
      bodyPattern: /ip_not_authorized|\bIP\b.{0,60}not (?:authorized|allowed)/i,
      verdict: 'restricted',
      message: 'The key is alive, but the address of this server is not on its IP allow list.',
      advice: 'Add the address of this server to the IP allow list of the OpenAI project.',
      name: 'ip_not_authorized',
    },
    {
      status: 401,
      bodyPattern: /member of an? organi[sz]ation|invalid_organization/i,
      verdict: 'restricted',
      message: 'The key is alive, but its owner is no longer a member of the organisation.',
      advice: 'Ask the owner of the organisation for an invitation, or take a service account key.',
      name: 'organization_membership',
    },
    {
      status: 401,
      verdict: 'unknown',
      message: 'OpenAI answered 401 without saying that the key is wrong.',
      advice: 'Look at the project and the key at https://platform.openai.com/api-keys, then test again.',
    },
    {
      status: 403,
      fields: anObject,
      verdict: 'region_blocked',
      message: 'OpenAI answers 403 where it does not serve the country that this server stands in.',
      advice: 'Send requests from a supported country.',
    },
  ],
};
