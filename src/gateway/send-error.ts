/** Sends an error of the catalogue to a caller, in the shape of the API that was asked, and does not wait for ever for the rest of its request. */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorEnvelope, KeywardError } from '../foundation/errors.ts';
import type { Wire } from '../providers/provider-entry.ts';
import { errorBody } from './error-body.ts';

/** How long a caller may go on sending after it was refused; cutting it off at once could hide the answer from it. */
const lingerMs = 5_000;

/** Answers with the error, or cuts the connection where an answer has already begun. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: KeywardError,
  wire: Wire = 'compatible',
): void {
  if (response.headersSent) {
    cutOff(response);
    return;
  }
  const body = Buffer.from(errorBody(error, wire));
  response.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...(error.status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(error.retryAfterSeconds !== null && { 'retry-after': String(error.retryAfterSeconds) }),
  });
  response.end(body);
  if (request.complete) return;
  const linger = setTimeout(() => request.destroy(), lingerMs);
  request.once('close', () => clearTimeout(linger));
}

/** An answer with neither chunks nor length ends with its connection (HTTP/1.0): only a reset tells a cut from that end. */
function cutOff(response: ServerResponse): void {
  const endsWithConnection = !response.chunkedEncoding && !response.hasHeader('content-length');
  if (endsWithConnection) response.socket?.resetAndDestroy();
  else response.destroy();
}

const parserFaults: Record<string, 'request_timeout' | 'headers_too_large' | 'body_aborted'> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  // What ends within its head is seen as a hang-up, not as this.
  HPE_INVALID_EOF_STATE: 'body_aborted',
};

/** Answers on a socket whose request could not even be parsed. */
export function sendParseError(failure: NodeJS.ErrnoException, socket: Duplex): void {
  if (failure.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const error = new KeywardError(parserFaults[failure.code ?? ''] ?? 'malformed_request');
  const body = JSON.stringify(errorEnvelope(error));
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
