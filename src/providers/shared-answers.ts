/**
 * What answers mean at every provider: the rules that are tried after a provider's own. They take the
 * cautious reading, so that a proxy's page, an outage or an odd body is never taken for proof.
 */
import type { AnswerRule } from './answer-rule.ts';

/** The part that all rules for a good answer share; the fields that prove it are the provider's. */
export const accepted = {
  status: 200,
  verdict: 'valid',
  message: '{provider} accepted the key.',
  advice: 'Nothing to do.',
} as const;

/** Refusals that name a reason other than the key; they outrank what the bare status says. */
export const refusalsForOtherReasons: readonly AnswerRule[] = [
  {
    status: [401, 402, 403, 429],
    code: ['insufficient_quota', 'credit_balance_exhausted'],
    verdict: 'out_of_credit',
    message: 'The key is alive, but its account has no credit left.',
    advice: 'Look at the billing page of {provider}.',
  },
  {
    status: 403,
    code: ['unsupported_country_region_territory'],
    verdict: 'region_blocked',
    message: '{provider} does not serve requests from where this server stands.',
    advice: 'Send requests from a supported country.',
  },
  {
    status: [400, 403],
    bodyPattern: /country, region, or territory not supported|location is not supported/i,
    verdict: 'region_blocked',
    message: '{provider} does not serve requests from where this server stands.',
    advice: 'Send requests from a supported country.',
    name: 'region_not_supported',
  },
];

export const sharedAnswers: readonly AnswerRule[] = [
  ...refusalsForOtherReasons,
  {
    status: '3xx',
    from: 'anyone',
    verdict: 'unknown',
    message: 'The base URL of {provider} redirects elsewhere. Keys are not sent after a redirect.',
    advice: 'Set the base URL to the final address.',
  },
  {
    status: '5xx',
    from: 'anyone',
    verdict: 'unreachable',
    message: '{provider} is not serving at this moment.',
    advice: 'Test again later; look at the status page of {provider} if it lasts.',
  },
  {
    status: 429,
    from: 'anyone',
    verdict: 'rate_limited',
    message: '{provider} answers that there are too many requests. That says nothing about the key.',
    advice: 'Test again later.',
  },
  {
    status: 451,
    from: 'anyone',
    verdict: 'region_blocked',
    message: '{provider} does not serve requests from where this server stands.',
    advice: 'Send requests from a supported country.',
  },
  {
    status: 407,
    from: 'anyone',
    verdict: 'unreachable',
    message: 'A proxy on the way to {provider} asks for credentials of its own.',
    advice: 'Look at the proxy settings of this server.',
  },
  {
    from: 'page',
    verdict: 'unknown',
    message: 'A web page answered instead of the API of {provider}: mostly a proxy or a firewall on the way.',
    advice: 'Check the base URL and what stands between this server and {provider}.',
  },
  {
    status: 401,
    verdict: 'invalid',
    message: '{provider} refused the key: it is mistyped, disabled, deleted or expired.',
    advice: 'Create a new key at {provider} and set it.',
  },
  {
    status: 402,
    verdict: 'out_of_credit',
    message: 'The key is alive, but its account has no credit left.',
    advice: 'Look at the billing page of {provider}.',
  },
  {
    status: 403,
    verdict: 'restricted',
    message: '{provider} knows the key, but does not allow it this call.',
    advice: 'Look at the permissions of the key at {provider}.',
  },
  {
    status: 404,
    verdict: 'unknown',
    message: 'There is nothing at the address where {provider} should answer.',
    advice: 'Check the base URL.',
  },
  {
    status: 408,
    verdict: 'unreachable',
    message: '{provider} did not answer in time.',
    advice: 'Test again later.',
  },
  {
    status: 200,
    verdict: 'unknown',
    message: 'The answer is not the one that {provider} gives to a good key.',
    advice: 'Check the base URL.',
  },
];

/** When no rule fits. */
export const unexplained: Pick<AnswerRule, 'verdict' | 'message' | 'advice'> = {
  verdict: 'unknown',
  message: '{provider} gave an answer that is not known here.',
  advice: 'Test again later; if it lasts, report the answer as a gap in this table.',
};
