/**
 * What an answer of a provider says about a key. Only `valid`, `invalid` and `compromised` are proof;
 * nothing may disable or approve a key on any other verdict.
 */

export const verdicts = [
  'valid',
  'invalid',
  'compromised',
  'restricted',
  'out_of_credit',
  'rate_limited',
  'region_blocked',
  'unreachable',
  'unknown',
] as const;

export type Verdict = (typeof verdicts)[number];

/** What each says to a person; for documents and for those who choose one. */
export const verdictMeanings: Readonly<Record<Verdict, string>> = {
  valid: 'The provider accepted the key.',
  invalid: 'The provider refused the key itself: it is mistyped, disabled, deleted or expired.',
  compromised: 'The provider has blocked the key because it was found in public.',
  restricted: 'The provider knows the key, but does not let it do what was asked.',
  out_of_credit: 'The key is alive, but there is no money behind it, or its spending limit is reached.',
  rate_limited: 'The provider answers that there are too many requests.',
  region_blocked: 'The provider does not serve the place that this server stands in.',
  unreachable: 'There was no whole answer, or the provider is not serving at this moment.',
  unknown: 'The answer says nothing certain: a page of a proxy, a wrong address, something new.',
};

/** The four values that the column `llm_providers.api_key_test_status` may hold. */
export type ApiKeyTestStatus = 'valid' | 'invalid' | 'untested' | 'error';

/** Whether the verdict is certain knowledge of the key itself. */
export function isProof(verdict: Verdict): boolean {
  return verdict === 'valid' || verdict === 'invalid' || verdict === 'compromised';
}

/** The value of `api_key_test_status` for a key that was tested; `untested` is never the result of a test. */
export function testStatusOf(verdict: Verdict): Exclude<ApiKeyTestStatus, 'untested'> {
  if (!isProof(verdict)) return 'error';
  return verdict === 'valid' ? 'valid' : 'invalid';
}
