/**
 * The entry for a slug that no other entry knows: any endpoint that speaks the OpenAI API. Its base URL
 * must come from the database or the environment.
 */
import { bearer, type ProviderEntry } from './provider-entry.ts';
import { accepted, refusalsForOtherReasons } from './shared-answers.ts';

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
    answers: [
      { ...accepted, fields: [{ path: 'data', is: 'array' }] },
      { ...accepted, fields: [{ path: '', is: 'array' }] },
      ...refusalsForOtherReasons,
      {
        status: 403,
        verdict: 'invalid',
        message: '{provider} refused the key.',
        advice: 'Create a new key at {provider} and set it.',
      },
    ],
  };
}
