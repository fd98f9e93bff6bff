/** OpenRouter. Its /models is public and proves nothing, so the test asks for the key's own status. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted, anObject } from './shared-answers.ts';

const managementKey = {
  status: 200,
  verdict: 'restricted',
  message: 'This is an OpenRouter management key: it manages keys and cannot chat.',
  advice: 'Take a normal key from https://openrouter.ai/settings/keys.',
  name: 'management_key',
  unfit: true,
} as const;

export const openrouter: KnownProviderEntry = {
  slug: 'openrouter',
  displayName: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  exampleModel: 'google/gemini-flash-1.5',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'sk-or-v1-', rest: '[0-9a-f]{64}' }],
  forbiddenKeys: [], // a management key looks like any other: only the test can tell
  keyHeader: bearer,
  test: { method: 'GET', path: '/key', under: 'base', keyHeader: bearer },
  facts: {
    limitUsd: 'data.limit',
    limitReset: 'data.limit_reset',
    remainingUsd: 'data.limit_remaining',
    usageUsd: 'data.usage',
    expiresAt: 'data.expires_at',
    name: 'data.label',
  },
  management: {
    baseUrl: 'https://openrouter.ai/api/v1',
    keyHeader: bearer,
    credential: 'a management key, from https://openrouter.ai/settings/management-keys',
    parameters: {},
    mint: {
      call: { method: 'POST', path: '/keys', body: { name: '{name}' } },
      secretAt: 'key',
      idAt: 'data.hash',
    },
    list: {
      // Without that word what a crash has disabled, and not deleted, would stay for ever.
      call: { method: 'GET', path: '/keys?include_disabled=true' },
      at: 'data',
      idAt: 'hash',
      nameAt: 'name',
      off: { path: 'disabled', is: [true] },
      next: { parameter: 'offset', from: 'count' }, // (k) pages of 100
    },
    disable: { method: 'PATCH', path: '/keys/{id}', body: { disabled: true } },
    revoke: { method: 'DELETE', path: '/keys/{id}' },
  },
  answers: [
    { ...managementKey, fields: [{ path: 'data.is_management_key', is: true }] },
    { ...managementKey, fields: [{ path: 'data.is_provisioning_key', is: true }] },
    {
      status: 200,
      fields: [{ path: 'data.limit_remaining', atMost: 0 }],
      verdict: 'out_of_credit',
      message: 'The key is alive, but has reached its spending limit.',
      advice: 'Raise the limit of the key at https://openrouter.ai/settings/keys.',
      name: 'key_limit_reached',
    },
    { ...accepted, fields: [{ path: 'data.usage', is: 'number' }] },
    {
      status: 401,
      fields: anObject,
      verdict: 'invalid',
      message: 'OpenRouter does not know the key: it is mistyped, disabled, deleted or expired.',
      advice: 'Create a key at https://openrouter.ai/settings/keys and set it.',
    },
    {
      status: 402,
      verdict: 'out_of_credit',
      message: 'The key is alive, but the account or the key has no credit left.',
      advice: 'Buy credits at https://openrouter.ai/settings/credits, or raise the limit of the key.',
    },
    {
      status: 403,
      bodyPattern: /key limit exceeded/i,
      verdict: 'out_of_credit',
      message: 'The key is alive, but has reached its spending limit.',
      advice: 'Raise the limit of the key at https://openrouter.ai/settings/keys.',
      name: 'key_limit_exceeded',
    },
    {
      status: 403,
      verdict: 'unknown',
      message: 'OpenRouter refused what was asked (mostly by moderation). That says nothing about the key.',
      advice: 'Test the key again.',
    },
  ],
};
