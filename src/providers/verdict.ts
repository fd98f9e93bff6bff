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
