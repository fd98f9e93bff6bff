/** What an exchange with a provider says of the key that it was sent with; null: nothing that is for sure about the key. */
import type { KeywardError } from '../foundation/errors.ts';
import type { Verdict } from '../providers/verdict.ts';
import { refusesKey, type KeyRefusal } from './choose-key.ts';

/**
 * What callers ask wrongly, and what they may not have, says nothing of the key: of the refusals only those that are
 * about the key itself, its money, its rate, and of the errors those of the provider.
 */
export function verdictOfRefusal(refusal: KeyRefusal): Verdict | null {
  switch (refusal.verdict) {
    case 'invalid':
    case 'compromised':
      return refusesKey(refusal) ? refusal.verdict : null;
    case 'out_of_credit':
    case 'rate_limited':
    case 'unreachable':
      return refusal.verdict;
    default:
      return null;
  }
}

const outages: ReadonlySet<string> = new Set([
  'provider_unreachable',
  'provider_connect_timeout',
  'provider_first_byte_timeout',
  'provider_idle_timeout',
  'provider_broke_off',
]);

/** @param status of the answer that the caller got */
export function verdictOfOutcome(status: number, error: KeywardError | null): Verdict | null {
  if (error !== null) return outages.has(error.code) ? 'unreachable' : null;
  return status >= 200 && status < 300 ? 'valid' : null;
}
