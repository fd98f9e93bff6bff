/**
 * One error of the catalogue in the words of each API, as a whole body or as an event of a stream, so that a
 * provider's own SDK raises it as the error it knows.
 */
import { errorCatalogue, errorEnvelope, type KeywardError } from '../foundation/errors.ts';
import type { Wire } from '../providers/provider-entry.ts';

/** https://docs.anthropic.com/en/api/errors */
const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
};

/** The canonical code of an HTTP status: google.rpc.Code. */
const googleStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** A JSON text. */
export function errorBody(error: KeywardError, wire: Wire): string {
  if (wire === 'messages') {
    const type = anthropicTypes[error.status] ?? (error.status < 500 ? 'invalid_request_error' : 'api_error');
    return JSON.stringify({ type: 'error', error: { type, message: error.message, code: error.code } });
  }
  if (wire === 'gemini') {
    const status = googleStatuses[error.status] ?? (error.status < 500 ? 'FAILED_PRECONDITION' : 'INTERNAL');
    const details = [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: error.code.toUpperCase(),
        domain: errorCatalogue[error.code].type,
      },
    ];
    return JSON.stringify({ error: { code: error.status, message: error.message, status, details } });
  }
  return JSON.stringify(errorEnvelope(error));
}

/**
 * The last event of a stream that cannot go on; nothing in it looks like an end that the model chose.
 * @param endpoint as in endpoints.ts: the events of OpenAI's Responses have a type and a name
 */
export function errorEvent(error: KeywardError, wire: Wire, endpoint: string): string {
  if (endpoint !== 'responses')
    return `${wire === 'messages' ? 'event: error\n' : ''}data: ${errorBody(error, wire)}\n\n`;
  const { code, message, param } = error;
  // As OpenAI's `error` event is, and with what its SDK raises.
  const data = { type: 'error', code, message, param, ...errorEnvelope(error) };
  return `event: error\ndata: ${JSON.stringify(data)}\n\n`;
}
