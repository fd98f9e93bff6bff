/**
 * The one catalogue of errors: each code has its HTTP status, its OpenAI error type and its public
 * message here and nowhere else. What went wrong inside travels as `cause` and never reaches a caller.
 */

interface CatalogueEntry {
  readonly status: number;
  /** The `type` of the OpenAI error envelope. */
  readonly type:
    | 'invalid_request_error'
    | 'authentication_error'
    | 'permission_error'
    | 'rate_limit_error'
    | 'api_error';
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
  model_invalid: entry(
    400,
    'invalid_request_error',
    'The field "model" must be a non-empty string of at most 1000 characters, without control characters.',
  ),
  duplicate_field: entry(400, 'invalid_request_error', 'A field stands more than once in the request body.'),
  duplicate_header: entry(
    400,
    'invalid_request_error',
    'A header that may stand once stands more than once.',
  ),
  malformed_request: entry(400, 'invalid_request_error', 'The HTTP request is malformed.'),
  body_aborted: entry(400, 'invalid_request_error', 'The request body ended before its declared length.'),
  field_invalid: entry(400, 'invalid_request_error', 'A field of the request body is not as it must be.'),
  field_unknown: entry(
    400,
    'invalid_request_error',
    'The request body holds a field that is not known here. Nothing was changed.',
  ),
  parameter_invalid: entry(400, 'invalid_request_error', 'A parameter of the address is not as it must be.'),
  parameter_unknown: entry(
    400,
    'invalid_request_error',
    'The address holds a parameter that is not known here.',
  ),
  path_refused: entry(
    400,
    'invalid_request_error',
    'The path holds what programs read differently: . or .. as a segment, an encoded slash, dot or control character, or //.',
  ),
  token_in_address: entry(
    400,
    'invalid_request_error',
    'A key or token does not belong into an address, since addresses end up in logs. Send it as a header, and replace this one.',
  ),
  api_not_spoken: entry(400, 'invalid_request_error', 'The provider does not speak the API of this address.'),
  provider_required: entry(
    400,
    'invalid_request_error',
    'Which provider is meant? Name it in the header x-keyward-provider: nothing else in this request tells, and there is no default provider.',
  ),
  header_invalid: entry(400, 'invalid_request_error', 'A request header is not as it must be.'),
  byok_not_supported: entry(400, 'invalid_request_error', 'This provider takes no keys of users.'),
  cursor_invalid: entry(
    400,
    'invalid_request_error',
    'The cursor is not one that this list gave, or it was given for another order.',
  ),
  key_refused: entry(
    400,
    'invalid_request_error',
    'This cannot be a key of the provider. Nothing was changed.',
  ),
  reason_required: entry(
    400,
    'invalid_request_error',
    'A step that is forced needs a reason, which goes into the audit trail. Nothing was changed.',
  ),
  sign_in_invalid: entry(
    400,
    'invalid_request_error',
    'This sign-in is not one that was begun here, or it is too old. Begin again.',
  ),
  token_missing: entry(
    401,
    'authentication_error',
    'No token was presented. Send the header "Authorization: Bearer <token>".',
  ),
  token_invalid: entry(401, 'authentication_error', 'The token is not valid.'),
  session_invalid: entry(401, 'authentication_error', 'The session is not valid. Sign in again.'),
  host_not_allowed: entry(
    403,
    'permission_error',
    'This server does not answer to the name in the header Host.',
  ),
  csrf_refused: entry(
    403,
    'permission_error',
    'This request does not show that it comes from the page. Send the header x-csrf-token, as GET /api/v1/admin/session gives it, from the same origin.',
  ),
  sign_in_denied: entry(403, 'permission_error', 'The identity provider refused the sign-in.'),
  sign_in_without_role: entry(403, 'permission_error', 'You have no role here. Ask an administrator.'),
  role_insufficient: entry(403, 'permission_error', 'Your role may look, not change. Ask an administrator.'),
  token_not_allowed: entry(
    403,
    'permission_error',
    'This token may not use this provider or model. Ask the administrator for it.',
  ),
  token_without_owner: entry(
    403,
    'permission_error',
    'This token belongs to nobody, so it has no keys of its own. Ask the administrator to say whose it is: keyward tokens limit <token> --owner <user>.',
  ),
  user_key_rejected: entry(
    403,
    'permission_error',
    'The provider refused your own key, which you brought yourself. Replace or remove it.',
  ),
  user_key_not_found: entry(404, 'invalid_request_error', 'You have no key for this provider here.'),
  provider_not_found: entry(404, 'invalid_request_error', 'The provider is not known here.'),
  model_not_found: entry(404, 'invalid_request_error', 'The model is not known here.'),
  key_not_found: entry(404, 'invalid_request_error', 'There is no key of this provider to test.'),
  rotation_not_found: entry(
    404,
    'invalid_request_error',
    'There is no such rotation, or none is open for this provider.',
  ),
  reencryption_not_found: entry(
    404,
    'invalid_request_error',
    'This instance has re-encrypted nothing since it started.',
  ),
  schedule_not_found: entry(404, 'invalid_request_error', 'No schedule is set for this provider.'),
  alias_not_found: entry(404, 'invalid_request_error', 'There is no such name of a model.'),
  alert_not_found: entry(404, 'invalid_request_error', 'There is no alert of this number.'),
  audit_event_not_found: entry(
    404,
    'invalid_request_error',
    'There is no event of this number. A retention may have removed it.',
  ),
  channel_not_found: entry(404, 'invalid_request_error', 'There is no channel of this number.'),
  token_not_found: entry(404, 'invalid_request_error', 'There is no token of this number.'),
  session_not_found: entry(404, 'invalid_request_error', 'There is no such session.'),
  sign_on_off: entry(
    404,
    'invalid_request_error',
    'Single sign-on is not set up here: it begins with OIDC_ISSUER.',
  ),
  route_not_found: entry(404, 'invalid_request_error', 'There is nothing at this address.'),
  method_not_allowed: entry(405, 'invalid_request_error', 'This address does not answer to this method.'),
  request_timeout: entry(408, 'invalid_request_error', 'The request did not arrive in time.'),
  provider_exists: entry(
    409,
    'invalid_request_error',
    'There is a provider of this slug or name already. Nothing was changed.',
  ),
  provider_in_use: entry(
    409,
    'invalid_request_error',
    'Other data hangs on the provider. Nothing was changed.',
  ),
  provider_not_askable: entry(
    409,
    'invalid_request_error',
    'The provider cannot be asked: its address is not usable.',
  ),
  verification_running: entry(
    409,
    'invalid_request_error',
    'This server is verifying the audit trail already. Try again when it is done.',
  ),
  rotation_open: entry(
    409,
    'invalid_request_error',
    'A rotation of this provider is open already. Finish it, roll it back or cancel it first. Nothing was changed.',
  ),
  rotation_refused: entry(
    409,
    'invalid_request_error',
    'The rotation cannot take this step from where it stands.',
  ),
  management_unavailable: entry(
    409,
    'invalid_request_error',
    'Keys of this provider cannot be made or revoked from here.',
  ),
  management_in_use: entry(
    409,
    'invalid_request_error',
    'Keys that were made with this credential live at the provider. With force and a reason it goes on all the same.',
  ),
  management_failed: entry(502, 'api_error', 'The provider did not do what was asked of its key management.'),
  key_unproven: entry(
    409,
    'invalid_request_error',
    'The proof does not allow this step. With force and a reason it goes on all the same.',
  ),
  alert_resolved: entry(409, 'invalid_request_error', 'The alert is resolved already. Nothing was changed.'),
  channel_exists: entry(
    409,
    'invalid_request_error',
    'There is a channel of this name already. Nothing was changed.',
  ),
  channel_unreadable: entry(
    409,
    'invalid_request_error',
    'The settings of the channel cannot be read with the encryption keys that are there. Enter them again.',
  ),
  encryption_key_foreign: entry(
    409,
    'invalid_request_error',
    'The encryption key here is not the one that the stored keys are under. Nothing was changed.',
  ),
  idempotency_mismatch: entry(
    409,
    'invalid_request_error',
    'The Idempotency-Key was used for another request. Nothing was changed.',
  ),
  reencryption_runs: entry(
    409,
    'invalid_request_error',
    'A re-encryption is going on here already. GET encryption-keys/reencryption says how far it is.',
  ),
  idempotency_in_progress: entry(
    409,
    'invalid_request_error',
    'The first request with this Idempotency-Key is still in progress.',
  ),
  idempotency_answer_lost: entry(
    409,
    'invalid_request_error',
    'The request with this Idempotency-Key was done, and its answer cannot be read any more: it was kept under an encryption key that is not in the ring. Look at what is there before you do it again.',
  ),
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
  unsupported_media_type: entry(415, 'invalid_request_error', 'Send the body as application/json, in UTF-8.'),
  unsupported_encoding: entry(415, 'invalid_request_error', 'Send the body without content encoding.'),
  key_proven_dead: entry(
    422,
    'invalid_request_error',
    'The provider says that the key is dead. Nothing was changed.',
  ),
  key_tests_limited: entry(
    429,
    'rate_limit_error',
    'An administrator may have 10 keys tested a minute. Nothing was changed.',
  ),
  provider_cooling_down: entry(
    429,
    'rate_limit_error',
    'The provider was asked a moment ago. Nothing was changed.',
  ),
  caller_rate_limited: entry(
    429,
    'rate_limit_error',
    'This token has been used as often as it may be in a minute. Wait as long as Retry-After says.',
  ),
  budget_exhausted: entry(
    429,
    'rate_limit_error',
    'The budget of this token is spent. It is renewed when Retry-After is over.',
  ),
  too_many_attempts: entry(
    429,
    'rate_limit_error',
    'Too many attempts failed. Wait as long as Retry-After says.',
  ),
  headers_too_large: entry(431, 'invalid_request_error', 'The request headers are too large.'),
  caller_left: entry(499, 'invalid_request_error', 'The caller left before the answer. Nothing was changed.'),
  internal_error: entry(500, 'api_error', 'Something went wrong inside the gateway.'),
  provider_key_rejected: entry(502, 'api_error', 'The provider refused the key of this gateway.'),
  provider_unreachable: entry(502, 'api_error', 'The provider could not be reached.'),
  provider_address_refused: entry(
    502,
    'api_error',
    'The address of the provider leads to where no key is sent.',
  ),
  provider_error: entry(502, 'api_error', 'The provider answered in a form that is not relayed.'),
  provider_broke_off: entry(502, 'api_error', 'The provider broke off before it had answered.'),
  sign_on_failed: entry(
    502,
    'api_error',
    'The identity provider answered in a form that is not understood. The log of this server says more.',
  ),
  sign_on_unreachable: entry(503, 'api_error', 'The identity provider does not answer. Try again later.'),
  provider_circuit_open: entry(
    503,
    'api_error',
    'The provider has not answered several times in a row, so it is left alone for a moment.',
  ),
  provider_key_missing: entry(503, 'api_error', 'There is no key for this provider.'),
  provider_unusable: entry(
    503,
    'api_error',
    'The provider is set aside because its stored data is unusable.',
  ),
  user_key_unusable: entry(
    503,
    'api_error',
    'Your own key for this provider cannot be read here. Enter it again.',
  ),
  audit_unavailable: entry(503, 'api_error', 'The audit trail cannot be written, so nothing was changed.'),
  database_unavailable: entry(503, 'api_error', 'The database does not answer.'),
  not_ready: entry(503, 'api_error', 'The gateway is not ready.'),
  provider_connect_timeout: entry(504, 'api_error', 'No connection to the provider came about in time.'),
  provider_first_byte_timeout: entry(504, 'api_error', 'The provider did not answer in time.'),
  provider_idle_timeout: entry(504, 'api_error', 'The provider fell silent in the middle of its answer.'),
  provider_total_timeout: entry(504, 'api_error', 'The answer took longer than this gateway allows.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface ErrorDetails {
  /** Replaces the catalogue's public message; must hold nothing secret. */
  readonly message?: string;
  /** The field or header at fault, for the envelope's `param`. */
  readonly param?: string;
  /** When to try again, for the header Retry-After. */
  readonly retryAfterSeconds?: number;
  /** What happened inside; logged, never sent. */
  readonly cause?: unknown;
}

/** An error with a place in the catalogue. */
export class KeywardError extends Error {
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(
      details.message ?? errorCatalogue[code].message,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.name = 'KeywardError';
    this.code = code;
    this.param = details.param ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
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
