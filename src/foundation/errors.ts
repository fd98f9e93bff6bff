/**
 * The one catalogue of errors: each code has its HTTP status, its OpenAI error type and its public
 * message here and nowhere else. What went wrong inside travels as `cause` and never reaches a caller.
 */

interface CatalogueEntry {
  readonly status: number;
  /** The `type` of the OpenAI error envelope. */
  readonly type: 'invalid_request_error' | 'authentication_error' | 'permission_error' | 'api_error';
  readonly message: string;
}

const entry = (status: number, type: CatalogueEntry['type'], message: string): CatalogueEntry => ({
  status,
  type,
  message,
});

export const errorCatalogue = {
  invalid_json: entry(400, 'invalid_request_error', 'The request body is not valid JSON.'),
  empty_body: entry(400, 'invalid_request_error', 'The request body is empty. Send a JSON object.'),
  body_not_object: entry(400, 'invalid_request_error', 'The request body must be a JSON object.'),
  model_required: entry(400, 'invalid_request_error', 'The field "model" is required.'),
  model_invalid: entry(400, 'invalid_request_error', 'The field "model" must be a non-empty string.'),
  duplicate_field: entry(400, 'invalid_request_error', 'A field stands more than once in the request body.'),
  duplicate_header: entry(
    400,
    'invalid_request_error',
    'A header that may stand once stands more than once.',
  ),
  malformed_request: entry(400, 'invalid_request_error', 'The HTTP request is malformed.'),
  body_aborted: entry(400, 'invalid_request_error', 'The request body ended before its declared length.'),
  token_missing: entry(
    401,
    'authentication_error',
    'No token was presented. Send the header "Authorization: Bearer <token>".',
  ),
  token_invalid: entry(401, 'authentication_error', 'The token is not valid.'),
  host_not_allowed: entry(
    403,
    'permission_error',
    'With GATEWAY_AUTH=open this gateway answers only to private addresses and names.',
  ),
  role_insufficient: entry(403, 'permission_error', 'Your role may look, not change. Ask an administrator.'),
  provider_not_found: entry(404, 'invalid_request_error', 'The provider is not known here.'),
  model_not_found: entry(404, 'invalid_request_error', 'The model is not known here.'),
  route_not_found: entry(404, 'invalid_request_error', 'There is nothing at this address.'),
  method_not_allowed: entry(405, 'invalid_request_error', 'This address does not answer to this method.'),
  request_timeout: entry(408, 'invalid_request_error', 'The request did not arrive in time.'),
  revision_mismatch: entry(
    412,
    'invalid_request_error',
    'It was changed since the revision in If-Match. Nothing was changed.',
  ),
  body_too_large: entry(
    413,
    'invalid_request_error',
    'The request body is larger than this gateway accepts.',
  ),
  unsupported_media_type: entry(415, 'invalid_request_error', 'Send the body as application/json.'),
  unsupported_encoding: entry(415, 'invalid_request_error', 'Send the body without content encoding.'),
  headers_too_large: entry(431, 'invalid_request_error', 'The request headers are too large.'),
  internal_error: entry(500, 'api_error', 'Something went wrong inside the gateway.'),
  provider_key_rejected: entry(502, 'api_error', 'The provider refused the key of this gateway.'),
  provider_unreachable: entry(502, 'api_error', 'The provider could not be reached.'),
  provider_error: entry(502, 'api_error', 'The provider answered in a form that is not relayed.'),
  provider_broke_off: entry(502, 'api_error', 'The provider broke off before it had answered.'),
  provider_key_missing: entry(503, 'api_error', 'There is no key for this provider.'),
  provider_unusable: entry(
    503,
    'api_error',
    'The provider is set aside because its stored data is unusable.',
  ),
  audit_unavailable: entry(503, 'api_error', 'The audit trail cannot be written, so nothing was changed.'),
  database_unavailable: entry(503, 'api_error', 'The database does not answer.'),
  not_ready: entry(503, 'api_error', 'The gateway is not ready.'),
  provider_timeout: entry(504, 'api_error', 'The provider did not answer in time.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface ErrorDetails {
  /** Replaces the catalogue's public message; must hold nothing secret. */
  readonly message?: string;
  /** The field or header at fault, for the envelope's `param`. */
  readonly param?: string;
  /** What happened inside; logged, never sent. */
  readonly cause?: unknown;
}

/** An error with a place in the catalogue. */
export class KeywardError extends Error {
  readonly code: ErrorCode;
  readonly param: string | null;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(
      details.message ?? errorCatalogue[code].message,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.name = 'KeywardError';
    this.code = code;
    this.param = details.param ?? null;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }
}

/** A fault of set-up or use that one line explains: the command prints it and exits non-zero. */
export class UsageError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'UsageError';
    this.exitCode = options.exitCode ?? 1;
  }
}

export interface ErrorEnvelope {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: ErrorCode;
  };
}

/** The body that callers get: the error shape of the OpenAI API. */
export function errorEnvelope(error: KeywardError): ErrorEnvelope {
  return {
    error: {
      message: error.message,
      type: errorCatalogue[error.code].type,
      param: error.param,
      code: error.code,
    },
  };
}

/** What was thrown, in words. */
export function messageOf(error: unknown): string {
  // Node leaves it to the parts to speak when every address of a name failed.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system or library error (ENOENT, UND_ERR_SOCKET, …); empty where it has none. */
export function codeOf(error: unknown): string {
  // Some parts have the field and leave it undefined; a number there (DOMException) is no code of this kind.
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
