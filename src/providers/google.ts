/**
 * Google AI. Its bad key is a 400, not a 401, and its test call is native. The key never goes into the
 * URL: new keys refuse it there, and URLs end up in logs.
 */
import { bearer, type KnownProviderEntry } from './provider-entry.ts';
import { wholeJson } from './shared-answers.ts';

export const google: KnownProviderEntry = {
  slug: 'google',
  displayName: 'Google AI',
  semanticName: 'gcp.gemini',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
  exampleModel: 'gemini-2.5-flash',
  alternativeEnvironmentNames: ['GEMINI_API_KEY'],
  keyShapes: [
    { prefix: 'AIza', rest: '[\\w-]{35}' }, // see cutOffs
    { prefix: 'AQ.', rest: '[\\w.-]{20,}' }, // (k) what follows the prefix
  ],
  forbiddenKeys: [],
  cutOffs: [
    {
      prefix: 'AIza',
      // "September 2026", and no day (https://ai.google.dev/gemini-api/docs/api-key, seen in November 2026).
      // Those without a restriction to the API are refused since 2026-06-19; a mask does not show which those are.
      at: new Date('2026-09-01T00:00:00Z'),
      precision: 'month',
      message:
        'Google has announced for September 2026, without a day, that it refuses standard keys, which begin with AIza.',
      advice:
        'Create a key at https://aistudio.google.com/api-keys: a new one begins with AQ. and goes on. Then: keyward keys set google',
    },
  ],
  keyHeader: bearer, // (k) as Google's documentation of the compatible path has it
  native: {
    wire: 'gemini',
    under: 'root',
    path: '/v1beta',
    keyHeader: { name: 'x-goog-api-key', prefix: '' },
  },
  test: {
    method: 'GET',
    path: '/v1beta/models?pageSize=1',
    under: 'root',
    keyHeader: { name: 'x-goog-api-key', prefix: '' },
  },
  answers: [
    {
      status: 200,
      fields: [{ path: 'models', is: 'array' }],
      verdict: 'valid',
      message: 'Google accepted the key. It may still refuse to generate: only a chat shows that.',
      advice: 'Nothing to do.',
    },
    {
      status: 403,
      bodyPattern: /"message"\s*:\s*"[^"\\]{0,40}key was reported as leaked/i,
      fields: wholeJson,
      verdict: 'compromised',
      message: 'Google has blocked the key because it was found in public.',
      advice:
        'Delete the key at https://aistudio.google.com/api-keys, find the leak, create a new key and set it.',
      name: 'reported_as_leaked',
    },
    {
      status: 400,
      code: ['API_KEY_INVALID'],
      verdict: 'invalid',
      message: 'Google does not know the key: it is mistyped, deleted or expired.',
      advice: 'Create a key at https://aistudio.google.com/api-keys and set it.',
    },
    {
      status: 400,
      code: ['FAILED_PRECONDITION'],
      verdict: 'region_blocked',
      message: 'Google does not serve this project from where this server stands.',
      advice: 'Send requests from a supported region, or link a billing account to the project.',
    },
    {
      status: 401,
      code: ['ACCESS_TOKEN_TYPE_UNSUPPORTED'],
      verdict: 'unknown',
      message: 'Google did not take the key in the way it was sent. That says nothing about the key.',
      advice:
        'A key that begins with AIza is of the kind that Google takes no more: create a new one. Else check that the base URL is the one of the Gemini API.',
    },
    {
      status: 401,
      verdict: 'unknown',
      message: 'Google asked for another kind of credential. Bad keys are answered with 400.',
      advice: 'Check that the base URL is the one of the Gemini API.',
    },
    {
      status: 403,
      code: ['SERVICE_DISABLED'],
      verdict: 'restricted',
      message: 'The key is alive, but the Gemini API is switched off in its project.',
      advice: 'Enable the "Generative Language API" in the Google Cloud project of the key.',
    },
  ],
};
