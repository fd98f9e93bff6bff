/**
 * The way in for callers: routes a request, checks it, finds its key in the snapshot and relays it. No
 * query, no decryption and no waiting stand between a request that has arrived and its upstream call.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { authenticate } from '../auth/authenticate.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import { KeywardError, messageOf } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import { refusePublicHost } from './check-host.ts';
import { chooseTarget, type Target } from './choose-provider.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { requestId, upstreamHeaders } from './headers.ts';
import { replaceModel } from './locate-model.ts';
import { checkBodyHeaders, parseModelRequest, readBody, refuseDuplicateHeaders } from './read-request.ts';
import { Relay } from './relay.ts';
import { sendError } from './send-error.ts';
import { UpstreamPools } from './upstream-pools.ts';

export interface GatewayParts {
  readonly config: Config;
  readonly snapshot: () => Snapshot;
  /** Asks for a look at the database now; called when a provider refuses a key. */
  readonly refresh: () => void;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Gateway {
  /** Whether an address (with or without query) belongs to the gateway. */
  serves(url: string): boolean;
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

const prefixes = ['/api/v1/llm/', '/v1/'] as const;
const chatCompletions = 'chat/completions';
const chatPaths: ReadonlySet<string> = new Set(prefixes.map((prefix) => prefix + chatCompletions));

export function createGateway(parts: GatewayParts): Gateway {
  const pools = new UpstreamPools(parts.config.upstream);
  return {
    serves: (url) => prefixes.some((prefix) => url.startsWith(prefix)),
    handle: (request, response) => {
      const id = requestId(request.headers);
      serveChat(parts, pools, request, response, id).catch((error: unknown) => {
        refuse(parts, request, response, id, error);
      });
    },
    close: async () => pools.close(),
  };
}

async function serveChat(
  parts: GatewayParts,
  pools: UpstreamPools,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
): Promise<void> {
  const { config } = parts;
  checkRoute(request, response);
  refuseDuplicateHeaders(request);
  if (config.gatewayAuth === 'open') refusePublicHost(request);
  else authenticate(request.headers.authorization, parts.snapshot().gatewayTokens, parts.clock);
  checkBodyHeaders(request, config.limits);
  const body = await readBody(request, config.limits);
  const arrivedAt = performance.now();
  const chat = parseModelRequest(body);
  const snapshot = parts.snapshot();
  const target = chooseTarget(snapshot, chat.model, config.defaultProvider);
  const upstreamBody = target.model === chat.model ? body : replaceModel(body, chat.span, target.model);
  const relay = relayFor(parts, { request, response, id, target, snapshot, arrivedAt });
  pools.for(target.upstream).dispatch(
    {
      path: `${target.upstream.basePath}/${chatCompletions}`,
      method: 'POST',
      headers: upstreamHeaders(request.headers, target),
      body: upstreamBody,
    },
    relay,
  );
}

function checkRoute(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (!chatPaths.has(path)) {
    throw new KeywardError('route_not_found', {
      message: 'There is nothing at this address. Chat completions are at POST /api/v1/llm/chat/completions.',
    });
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    throw new KeywardError('method_not_allowed');
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly target: Target;
  readonly snapshot: Snapshot;
  readonly arrivedAt: number;
}

function relayFor({ metrics, log, refresh }: GatewayParts, exchange: Exchange): Relay {
  const { target, snapshot, id } = exchange;
  const { slug, resolution } = target.provider;
  const sentAt = performance.now();
  const ownMs = sentAt - exchange.arrivedAt;
  metrics.streamsOpen.inc();
  return new Relay(exchange.request, exchange.response, target, {
    ownHeaders: (): OutgoingHttpHeaders => ({
      'x-request-id': id,
      'x-keyward-provider': slug,
      'x-keyward-key-source': target.source,
      'x-keyward-key-fingerprint': target.key.fingerprint,
      'x-keyward-revision': snapshot.revision,
      'x-keyward-overhead-ms': ownMs.toFixed(3),
      ...(resolution.fallback !== null && { 'x-keyward-fallback': resolution.fallback }),
    }),
    keyRejected: () => {
      metrics.keyRejections.inc({ provider: slug });
      refresh();
    },
    finished: ({ status, error }) => {
      metrics.streamsOpen.dec();
      metrics.requests.inc({ provider: slug, status, source: target.source });
      metrics.overheadSeconds.observe(ownMs / 1000);
      if (error === null) return;
      log.warn(
        {
          request: id,
          provider: slug,
          key: target.key,
          status,
          code: error.code,
          cause: error.cause && messageOf(error.cause),
        },
        error.message,
      );
    },
  });
}

function refuse(
  { metrics, log }: GatewayParts,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  failure: unknown,
): void {
  const error =
    failure instanceof KeywardError ? failure : new KeywardError('internal_error', { cause: failure });
  if (error.code === 'internal_error')
    log.error({ request: id, err: failure }, 'a request failed inside the gateway');
  metrics.requests.inc({ provider: 'none', status: error.status, source: 'none' });
  if (!response.headersSent) response.setHeader('x-request-id', id);
  sendError(request, response, error);
}
