/**
 * How each provider speaks on the wire, as far as keys go: where its free test call is, in which header
 * the key travels there, and what good, unknown, leaked, restricted and penniless keys are answered.
 * Written from the facts about the providers and not from src/providers, so that each can find the
 * other's mistakes.
 */

/**
 * What a key is worth at the stand-in. Keys that it was not told of are `unknown`; one that `lists_only` passes
 * the free test and is refused every chat.
 */
export type Standing =
  | 'good'
  | 'lists_only'
  | 'unknown'
  | 'leaked'
  | 'restricted'
  | 'out_of_credit'
  | 'management';

export interface WireAnswer {
  readonly status: number;
  /** `{key}` in it is replaced by the key that was presented. */
  readonly body: string;
  /** `application/json` where absent. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Refusals = Partial<Readonly<Record<Exclude<Standing, 'good' | 'lists_only'>, WireAnswer>>> & {
  readonly unknown: WireAnswer;
};

export interface Wire {
  /** The path of the OpenAI-compatible base URL. */
  readonly basePath: string;
  readonly test: {
    readonly method: 'GET' | 'POST';
    /** The end of the path. */
    readonly path: string;
    readonly keyHeader: 'authorization' | 'x-api-key' | 'x-goog-api-key';
    readonly neededHeaders?: readonly string[];
    readonly good: WireAnswer;
    readonly refusals: Refusals;
  };
  /** Refusals of POST {base}/chat/completions, where the key travels as Bearer. */
  readonly chatRefusals: Refusals;
  /** GET {base}/models answers everybody. */
  readonly modelsArePublic?: boolean;
}

export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): WireAnswer {
  return { status, body: JSON.stringify(body), headers };
}

export function page(status: number, title: string): WireAnswer {
  return {
    status,
    contentType: 'text/html',
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>openresty/1.27.4</center>\r\n</body>\r\n</html>`,
  };
}

const openaiError = (status: number, code: string | null, message: string, type = 'invalid_request_error') =>
  json(status, { error: { message, type, param: null, code } });

const anthropicError = (status: number, type: string, message: string) =>
  json(status, { type: 'error', error: { type, message }, request_id: 'req_0123456789' });

const googleError = (code: number, status: string, message: string, reason?: string) =>
  json(code, {
    error: {
      code,
      message,
      status,
      ...(reason === undefined
        ? {}
        : {
            details: [
              { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' },
            ],
          }),
    },
  });

/** On its compatible path Google wraps errors into an array. */
const wrapped = (answer: WireAnswer): WireAnswer => ({ ...answer, body: `[${answer.body}]` });

const openrouterError = (code: number, message: string, metadata?: Readonly<Record<string, unknown>>) =>
  json(code, { error: { message, code, ...(metadata === undefined ? {} : { metadata }) } });

const xaiError = (status: number, code: string, error: string) => json(status, { code, error });

const listOfModels = json(200, {
  object: 'list',
  data: [{ id: 'stand-in-model', object: 'model', created: 1_700_000_000, owned_by: 'stand-in' }],
});

const openaiRefusals = {
  unknown: openaiError(401, 'invalid_api_key', 'Incorrect API key provided: {masked key}.'),
  restricted: openaiError(
    401,
    null,
    'You have insufficient permissions for this operation. Missing scopes: api.model.read.',
  ),
  out_of_credit: openaiError(
    429,
    'insufficient_quota',
    'You exceeded your current quota.',
    'insufficient_quota',
  ),
};

/** OpenAI's way, which most providers copy. */
function likeOpenai(basePath: string, refusals: Refusals): Wire {
  return {
    basePath,
    test: { method: 'GET', path: '/models', keyHeader: 'authorization', good: listOfModels, refusals },
    chatRefusals: refusals,
  };
}

const anthropicRefusals = {
  unknown: anthropicError(401, 'authentication_error', 'invalid x-api-key'),
  restricted: anthropicError(403, 'permission_error', 'Your API key may not use this resource.'),
  out_of_credit: anthropicError(
    400,
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API.',
  ),
};

const googleRefusals = {
  unknown: googleError(
    400,
    'INVALID_ARGUMENT',
    'API key not valid. Please pass a valid API key.',
    'API_KEY_INVALID',
  ),
  leaked: googleError(
    403,
    'PERMISSION_DENIED',
    'Your API key was reported as leaked. Please use another API key.',
  ),
  restricted: googleError(
    403,
    'PERMISSION_DENIED',
    "Permission denied: Consumer 'api_key:{key}' has been suspended.",
    'CONSUMER_SUSPENDED',
  ),
};

const openrouterStatus = (changes: Readonly<Record<string, unknown>>) =>
  json(200, {
    data: {
      label: 'sk-or-v1-au7...890',
      limit: 100,
      limit_remaining: 74.5,
      limit_reset: null,
      usage: 25.5,
      is_free_tier: false,
      is_management_key: false,
      is_provisioning_key: false,
      expires_at: null,
      ...changes,
    },
  });

const openrouterUnknown = openrouterError(401, 'User not found.');

const xaiStatus = (changes: Readonly<Record<string, unknown>>) =>
  json(200, {
    redacted_api_key: 'xai-...b14o',
    name: 'stand-in',
    acls: ['api-key:model:*', 'api-key:endpoint:*'],
    team_blocked: false,
    api_key_blocked: false,
    api_key_disabled: false,
    ...changes,
  });

const xaiUnknown = xaiError(
  400,
  'Client specified an invalid argument',
  'Incorrect API key provided: {masked key}.',
);
const xaiNoCredit = xaiError(
  403,
  'The caller does not have permission',
  "Your newly created team doesn't have any credits or licenses yet.",
);

const deepseekUnknown = openaiError(
  401,
  'invalid_request_error',
  'Authentication Fails, Your api key: {masked key} is invalid',
  'authentication_error',
);
const deepseekBalance = (is_available: boolean, total_balance: string) =>
  json(200, { is_available, balance_infos: [{ currency: 'USD', total_balance }] });

const cohereUnknown = json(401, { message: 'invalid api token' });

const perplexityUnknown = json(401, {
  error: {
    message: 'Invalid API key provided. You can find your API key at https://www.perplexity.ai/settings/api.',
    type: 'invalid_api_key',
    code: 401,
  },
});

const wires: Readonly<Record<string, Wire>> = {
  openai: likeOpenai('/v1', openaiRefusals),
  anthropic: {
    basePath: '/v1',
    test: {
      method: 'GET',
      path: '/models',
      keyHeader: 'x-api-key',
      neededHeaders: ['anthropic-version'],
      good: json(200, {
        data: [{ type: 'model', id: 'stand-in-model', created_at: '2025-09-29T00:00:00Z' }],
        has_more: false,
      }),
      refusals: anthropicRefusals,
    },
    chatRefusals: anthropicRefusals,
  },
  google: {
    basePath: '/v1beta/openai',
    test: {
      method: 'GET',
      path: '/v1beta/models',
      keyHeader: 'x-goog-api-key',
      good: json(200, { models: [{ name: 'models/stand-in-model' }], nextPageToken: 'Ch0' }),
      refusals: googleRefusals,
    },
    chatRefusals: {
      unknown: wrapped(googleRefusals.unknown),
      leaked: wrapped(googleRefusals.leaked),
      restricted: wrapped(googleRefusals.restricted),
    },
  },
  openrouter: {
    basePath: '/api/v1',
    test: {
      method: 'GET',
      path: '/key',
      keyHeader: 'authorization',
      good: openrouterStatus({}),
      refusals: {
        unknown: openrouterUnknown,
        out_of_credit: openrouterStatus({ limit_remaining: 0, usage: 100 }),
        management: openrouterStatus({ is_management_key: true, is_provisioning_key: true }),
      },
    },
    chatRefusals: {
      unknown: openrouterUnknown,
      restricted: openrouterError(403, 'Key limit exceeded (total limit).'),
      out_of_credit: openrouterError(402, 'Insufficient credits.', { limit_source: 'account' }),
    },
    modelsArePublic: true,
  },
  together: {
    ...likeOpenai('/v1', openaiRefusals),
    test: {
      method: 'GET',
      path: '/models',
      keyHeader: 'authorization',
      good: json(200, [{ id: 'stand-in-model', object: 'model' }]),
      refusals: {
        unknown: openaiRefusals.unknown,
        out_of_credit: openaiError(402, 'credit_limit', 'Credit limit exceeded.'),
      },
    },
  },
  groq: likeOpenai('/openai/v1', {
    unknown: openaiError(401, 'invalid_api_key', 'Invalid API Key'),
    restricted: openaiError(400, 'organization_restricted', 'Organization has been restricted.'),
  }),
  fireworks: likeOpenai('/inference/v1', { unknown: openaiError(401, 'UNAUTHORIZED', 'unauthorized') }),
  mistral: likeOpenai('/v1', { unknown: json(401, { detail: 'Unauthorized' }) }),
  xai: {
    basePath: '/v1',
    test: {
      method: 'GET',
      path: '/api-key',
      keyHeader: 'authorization',
      good: xaiStatus({}),
      refusals: { unknown: xaiUnknown, restricted: xaiStatus({ acls: [] }), out_of_credit: xaiNoCredit },
    },
    chatRefusals: { unknown: xaiUnknown, out_of_credit: xaiNoCredit },
  },
  deepseek: {
    basePath: '/v1',
    test: {
      method: 'GET',
      path: '/user/balance',
      keyHeader: 'authorization',
      good: deepseekBalance(true, '8.76'),
      refusals: { unknown: deepseekUnknown, out_of_credit: deepseekBalance(false, '0.00') },
    },
    chatRefusals: {
      unknown: deepseekUnknown,
      out_of_credit: openaiError(402, 'invalid_request_error', 'Insufficient Balance', 'unknown_error'),
    },
  },
  perplexity: {
    ...likeOpenai('', { unknown: perplexityUnknown }),
    test: {
      method: 'GET',
      path: '/v1/models',
      keyHeader: 'authorization',
      good: listOfModels,
      refusals: { unknown: perplexityUnknown },
    },
  },
  cohere: {
    basePath: '/compatibility/v1',
    test: {
      method: 'POST',
      path: '/v1/check-api-key',
      keyHeader: 'authorization',
      good: json(200, { valid: true, organization_id: 'stand-in', owner_id: 'stand-in' }),
      refusals: { unknown: cohereUnknown },
    },
    chatRefusals: { unknown: cohereUnknown },
  },
};

const otherEndpoint = likeOpenai('/v1', openaiRefusals);

/** The wire of a provider; any other slug speaks as OpenAI does. */
export function wireOf(slug: string): Wire {
  return Object.hasOwn(wires, slug) ? (wires[slug] ?? otherEndpoint) : otherEndpoint;
}

/** What a key of that standing is answered; where a provider has no words of its own, it does not know the key. */
export function refusalOf(
  refusals: Refusals,
  standing: Exclude<Standing, 'good' | 'lists_only'>,
): WireAnswer {
  return refusals[standing] ?? refusals.unknown;
}
