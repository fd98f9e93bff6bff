/**
 * The entry for a slug that no other entry knows: any endpoint that speaks the OpenAI API. Its base URL
 * must come from the database or the environment.
 */
import { bearer, type ProviderEntry } from './provider-entry.ts';
import { accepted, anObject } from './shared-answers.ts';

const listed = {
  ...accepted,
  message: '{provider} accepted the key. An endpoint that lists its models to everybody says so to any key.',
} as const;

/** Nothing is known of such an endpoint, so its 403 is proof only where it blames the key itself. */
const refusedKey = {
  status: 403,
  verdict: 'invalid',
  message: '{provider} refused the key.',
  advice: 'Create a new key at {provider} and set it.',
} as const;

/** An error that begins by blaming the key, in the place where APIs put the reason. */
const keyBlamed =
  /"(?:message|error|detail)"\s*:\s*"(?:the |this |your |an? )?(?:provided )?(?:(?:invalid|incorrect|unknown|expired|revoked) (?:api[ _-]?key|token|credentials?)|(?:api[ _-]?key|token|credentials?) (?:provided )?(?:is |are |was |has been )?(?:not valid|invalid|incorrect|unknown|expired|revoked))/i;

/** Never fails, whatever the slug. */
export function genericEntry(slug: string): ProviderEntry {
  return {
    slug,
    displayName: slug,
    baseUrl: undefined,
    alternativeEnvironmentNames: [],
    keyShapes: [],
    forbiddenKeys: [],
    keyHeader: bearer,
    test: { method: 'GET', path: '/models', under: 'base', keyHeader: bearer },
    models: { at: ['data', ''] },
    answers: [
      { ...listed, fields: [{ path: 'data', is: 'array' }] },
      { ...listed, fields: [{ path: '', is: 'array' }] },
      { ...refusedKey, code: ['invalid_api_key', 'invalid_token', 'authentication_error'] },
      { ...refusedKey, bodyPattern: keyBlamed, fields: anObject, name: 'key_refused' },
      {
        status: 403,
        fields: anObject,
        verdict: 'unknown',
        message: '{provider} answered 403 without blaming the key: it may be the key, or only this call.',
        advice: 'Ask who runs {provider}, or send a chat with the key.',
      },
    ],
  };
}
