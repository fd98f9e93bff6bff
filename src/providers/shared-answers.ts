/**
 * What answers mean at every provider: the rules that are tried before a provider's own, and those after
 * them. They take the cautious reading, so that a proxy's page, an outage or an odd body is never taken for
 * proof; a rule that names proof also names what the answer must say.
 */
import type { AnswerRule } from './answer-rule.ts';

/** The part that all rules for a good answer share; the fields that prove it are the provider's. */
export const accepted = {
  status: 200,
  verdict: 'valid',
  message: '{provider} accepted the key.',
  advice: 'Nothing to do.',
} as const;

/** The whole body is a JSON object: an API speaks, and not what stands before it. */
export const anObject = [{ path: '', is: 'object' }] as const;

/** As much, where an error may also come wrapped into an array. A text that only holds the words is neither. */
export const wholeJson = [{ path: '', is: 'object or array' }] as const;

const notServedHere = {
  verdict: 'region_blocked',
  message: '{provider} does not serve requests from where this server stands.',
  advice: 'Send requests from a supported country.',
} as const;

const refusedKey = {
  status: 401,
  verdict: 'invalid',
  message: '{provider} refused the key: it is mistyped, disabled, deleted or expired.',
  advice: 'Create a new key at {provider} and set it.',
} as const;

/** Tried before a provider's own: refusals that name a reason other than the key outrank the bare status. */
export const foremostAnswers: readonly AnswerRule[] = [
  {
    status: [401, 402, 403, 429],
    code: ['insufficient_quota', 'credit_balance_exhausted'],
    verdict: 'out_of_credit',
    message: 'The key is alive, but its account has no credit left.',
    advice: 'Look at the billing page of {provider}.',
  },
  { status: 403, code: ['unsupported_country_region_territory'], ...notServedHere },
  {
    status: [400, 403],
    bodyPattern: /country, region, or territory not supported|location is not supported/i,
    ...notServedHere,
    name: 'region_not_supported',
  },
  {
    status: [401, 403],
    bodyPattern:
      /no (?:cookie )?(?:auth )?credentials\b|no api[ _-]?key (?:found|provided|supplied|was provided)|missing (?:bearer|authentication|authorization|api[ _-]?key)|did(?:n't| not) provide an api key|x-api-key header is required|api[ _-]?key (?:is )?required|unregistered callers/i,
    verdict: 'unknown',
    message: 'The answer says that no key arrived. That says nothing about the key that was sent.',
    advice: 'Check the base URL and what stands between this server and {provider}: it may take the key out.',
    name: 'no_key_arrived',
  },
];

/** Tried after a provider's own. */
export const lastAnswers: readonly AnswerRule[] = [
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
  { status: 451, from: 'anyone', ...notServedHere },
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
  // Before the challenge: APIs that also take a key as a password add that header to every 401.
  { ...refusedKey, code: ['invalid_api_key'] },
  {
    status: 401,
    headers: { 'www-authenticate': /^\s*(?:basic|digest|negotiate|ntlm)\b/i },
    verdict: 'unknown',
    message: 'Something asked for a user name and a password: mostly a proxy before {provider}.',
    advice: 'Check the base URL and what stands between this server and {provider}.',
    name: 'password_wanted',
  },
  { ...refusedKey, fields: anObject },
  {
    ...refusedKey,
    headers: { 'www-authenticate': /^\s*bearer\b.*\berror="?invalid_token\b/i }, // RFC 6750, 3.1
    name: 'invalid_token',
  },
  {
    status: 401,
    verdict: 'unknown',
    message: 'A 401 came without the words of an API. A proxy answers so too.',
    advice: 'Check the base URL and what stands between this server and {provider}, then test again.',
  },
  {
    status: 402,
    verdict: 'out_of_credit',
    message: 'The key is alive, but its account has no credit left.',
    advice: 'Look at the billing page of {provider}.',
  },
  {
    status: 403,
    fields: anObject,
    verdict: 'restricted',
    message: '{provider} knows the key, but does not allow it this call.',
    advice: 'Look at the permissions of the key at {provider}.',
  },
  {
    status: 403,
    verdict: 'unknown',
    message: 'A 403 came without the words of an API. A firewall answers so too.',
    advice: 'Check the base URL and what stands between this server and {provider}, then test again.',
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
