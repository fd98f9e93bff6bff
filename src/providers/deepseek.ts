/** DeepSeek. The test asks for the balance, which lives outside the base path. */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { accepted } from './shared-answers.ts';

export const deepseek: KnownProviderEntry = {
  slug: 'deepseek',
  displayName: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com/v1',
  exampleModel: 'deepseek-chat',
  alternativeEnvironmentNames: [],
  keyShapes: [{ prefix: 'sk-', rest: '[a-z0-9]{32}' }],
  forbiddenKeys: [],
  keyHeader: bearer,
  test: { method: 'GET', path: '/user/balance', under: 'root', keyHeader: bearer },
  facts: {
    remainingUsd: { list: 'balance_infos', where: 'currency', is: 'USD', path: 'total_balance' },
  },
  answers: [
    {
      status: 200,
      fields: [{ path: 'is_available', is: false }],
      verdict: 'out_of_credit',
      message: 'The key is alive, but its account has no balance.',
      advice: 'Top up at https://platform.deepseek.com/top_up.',
      name: 'balance_not_available',
    },
    { ...accepted, fields: [{ path: 'is_available', is: true }] },
    {
      status: 402, // (k)
      verdict: 'out_of_credit',
      message: 'The key is alive, but its account has no balance.',
      advice: 'Top up at https://platform.deepseek.com/top_up.',
    },
  ],
};
