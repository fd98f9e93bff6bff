/**
 * The front door: the one port for callers and administrators. It cuts slow heads, answers what is not HTTP,
 * and at the end lets requests in flight finish.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from './foundation/config.ts';
import { KeywardError, UsageError } from './foundation/errors.ts';
import { callerHighWaterMark } from './foundation/stream-high-water-mark.ts';
import { sendError, sendParseError } from './gateway/send-error.ts';

/** Slower heads are cut off; Node looks every few seconds. */
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 300_000;

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Door {
  readonly http: Server;
  readonly connections: ReadonlySet<Socket>;
}

/** The port's server, not listening yet. */
export function openDoor(config: Config, open: RequestHandler): Door {
  const handle = demandVersion(demandHost(open));
  const http = createServer(
    {
      // Node's own refusal has no body.
      requireHostHeader: false,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 5_000,
      highWaterMark: callerHighWaterMark,
    },
    handle,
  );
  // Told to go on, a caller would send a body that its own header already announces as too large.
  http.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) <= config.limits.maxBodyBytes)
      response.writeContinue();
    handle(request, response);
  });
  http.on('clientError', sendParseError);
  const connections = new Set<Socket>();
  http.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return { http, connections };
}

/**
 * Node takes a request line without a version for HTTP/0.9, and reads on as if it were HTTP/1.1: what follows would be
 * a header to one program and another request to the next.
 */
function demandVersion(handle: RequestHandler): RequestHandler {
  return (request, response) => {
    if (request.httpVersionMajor === 1) {
      handle(request, response);
      return;
    }
    response.setHeader('connection', 'close');
    sendError(request, response, new KeywardError('malformed_request'));
  };
}

/** RFC 9112, section 3.2: a request of HTTP/1.1 without Host is answered with 400. */
function demandHost(handle: RequestHandler): RequestHandler {
  return (request, response) => {
    if (request.headers.host !== undefined || request.httpVersion === '1.0') handle(request, response);
    else sendError(request, response, hostIsMissing());
  };
}

const hostIsMissing = (): KeywardError =>
  new KeywardError('malformed_request', { message: 'The header Host is missing.', param: 'Host' });

/**
 * @returns the address that it listens on
 * @throws UsageError with one line that says what to do
 */
export async function listen(http: Server, { host, port }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(error, host, port)));
    http.listen(port, host, resolve);
  });
  const address = http.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): UsageError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} is in use on ${host}. Stop the other program, or set PORT to a free one.`,
    EACCES: `port ${port} needs rights that this user does not have. Set PORT to one above 1023.`,
    EADDRNOTAVAIL: `this machine has no address ${host}. Set HOST to one that it has, for example 127.0.0.1.`,
    ENOTFOUND: `HOST ${host} is not a name that can be resolved.`,
  };
  return new UsageError(`Keyward cannot listen: ${reasons[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });
}

/** What the last words to those who are cut may take. */
const lastWordsMs = 200;

/**
 * Lets requests in flight finish; cuts what is left when the time is up.
 * @param beforeCut whoever is still waiting is told by it
 */
export async function drain(
  { http, connections }: Door,
  timeoutMs: number,
  beforeCut: () => Promise<void>,
): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  // Browsers open connections ahead of need; Node does not count one without a request as idle.
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  // A connection that becomes idle after the close is not closed by it.
  const idle = setInterval(() => http.closeIdleConnections(), 50);
  let cut = setTimeout(() => {
    cut = setTimeout(() => http.closeAllConnections(), lastWordsMs);
    void beforeCut();
  }, timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
