/** Anthropic. Chat goes to its OpenAI-compatible path with Bearer; the test call is native. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const anthropic: KnownProviderEntry = {
  slug: 'anthropic',
  displayName: 'Anthropic',
  baseUrl: 'https://api.anthropic.com/v1',
  exampleModel: 'claude-haiku-4-5',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'sk-ant-api03-', rest: '[\\w-]{93}AA' }],
  forbiddenKeys: [
    {
      prefix: 'sk-ant-admin',
      message:
        'This is an Anthropic admin key: it manages the organisation and cannot chat. Take an API key (sk-ant-api03-…).',
    },
  ],
  keyHeader: bearer,
  native: {
    wire: 'messages',
    under: 'base',
    path: '',
    keyHeader: { name: 'x-api-key', prefix: '' },
    headers: { 'anthropic-version': '2023-06-01' },
  },
  test: {
    method: 'GET',
    path: '/models?limit=1000', // the most that one page can hold
    under: 'base',
    keyHeader: { name: 'x-api-key', prefix: '' },
    headers: { 'anthropic-version': '2023-06-01' },
  },
  models: { at: ['data'], moreAt: 'has_more' },
  management: {
    baseUrl: 'https://api.anthropic.com/v1',
    keyHeader: { name: 'x-api-key', prefix: '' },
    headers: { 'anthropic-version': '2023-06-01' },
    credential: 'an admin key (sk-ant-admin01-…), from https://console.anthropic.com/settings/admin-keys',
    parameters: {},
    // Nobody but a person can make a key; which one is stored here, the hint tells.
    list: {
      call: { method: 'GET', path: '/organizations/api_keys?limit=1000' },
      at: 'data',
      idAt: 'id',
      nameAt: 'name',
      hintAt: 'partial_key_hint',
      dead: { path: 'status', is: ['archived', 'expired'] },
      off: { path: 'status', is: ['inactive'] },
      next: { parameter: 'after_id', from: 'last_id' },
    },
    disable: { method: 'POST', path: '/organizations/api_keys/{id}', body: { status: 'inactive' } },
    revoke: { method: 'POST', path: '/organizations/api_keys/{id}', body: { status: 'archived' } },
  },
  answers: [
    { ...accepted, fields: [{ path: 'data', is: 'array' }] },
    {
      status: [400, 402, 403],
      code: ['billing_error'],
      verdict: 'out_of_credit',
      message: 'The key is alive, but its organisation has no credit.',
      advice: 'Buy credits at https://console.anthropic.com/settings/billing.',
    },
    {
      status: 400,
      bodyPattern: /credit balance is too low/i,
      verdict: 'out_of_credit',
      message: 'The key is alive, but its organisation has no credit.',
      advice: 'Buy credits at https://console.anthropic.com/settings/billing.',
      name: 'credit_balance_too_low',
    },
    {
      status: 400,
      bodyPattern: /reached your specified (?:workspace )?api usage limits/i,
      verdict: 'out_of_credit',
      message: 'The key is alive, but the spending limit of its workspace or organisation is reached.',
      advice: 'Raise the limit at https://console.anthropic.com/settings/limits, or wait for the next month.',
      name: 'usage_limit_reached',
    },
    {
      status: [400, 401, 403],
      bodyPattern: /organization has been disabled/i,
      verdict: 'restricted',
      message: 'Anthropic has disabled the organisation of the key.',
      advice: 'Write to the support of Anthropic, or set a key of another organisation.',
      name: 'organization_disabled',
    },
    {
      status: 401,
      code: ['authentication_error'],
      verdict: 'invalid',
      message: 'Anthropic does not know the key: it is mistyped, deleted or expired.',
      advice: 'Create a key at https://console.anthropic.com/settings/keys and set it.',
    },
    {
      status: 401,
      verdict: 'unknown',
      message: 'Anthropic answered 401 without saying that the key is wrong.',
      advice: 'Look at the key at https://console.anthropic.com/settings/keys, then test again.',
    },
    {
      status: 403,
      code: ['forbidden'], // (k) seen in the field for requests from unsupported countries
      verdict: 'region_blocked',
      message: 'Anthropic does not serve requests from where this server stands.',
      advice: 'Send requests from a supported country.',
    },
    {
      status: 404,
      code: ['not_found_error'],
      verdict: 'restricted',
      message: 'Anthropic answers so when the key is disabled.',
      advice: 'Enable the key at https://console.anthropic.com/settings/keys, and check the base URL.',
    },
  ],
};
