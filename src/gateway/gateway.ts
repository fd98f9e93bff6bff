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
import type { LiveWatch } from '../keys/health/live-watch.ts';
import type { RecentRequests } from '../keys/recent-requests.ts';
import type { RotationWatch } from '../keys/rotation/rotation-watch.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import type { Verdict } from '../providers/verdict.ts';
import { refusePublicHost } from './check-host.ts';
import {
  mayBeTheKey,
  orderKeys,
  refusesKey,
  replacement,
  speaksAgainstKey,
  type KeyOrder,
  type KeyRefusal,
  type TrialTarget,
} from './choose-key.ts';
import { chooseTarget, type Target } from './choose-provider.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { requestId, upstreamHeaders } from './headers.ts';
import { verdictOfOutcome, verdictOfRefusal } from './live-verdict.ts';
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
  /** What the keys of rotations served, and that one was refused. */
  readonly rotations: Pick<RotationWatch, 'count' | 'isRefused' | 'refused'>;
  /** Hears what calls say of the keys that they were sent with. */
  readonly live: Pick<LiveWatch, 'saw'>;
  readonly metrics: GatewayMetrics;
  /** Told which provider a request is for. */
  readonly requests: Pick<RecentRequests, 'count'>;
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
  const target = chooseTarget(snapshot, chat.model, config.defaultProvider, (slug) =>
    parts.requests.count(slug),
  );
  const upstreamBody = target.model === chat.model ? body : replaceModel(body, chat.span, target.model);
  const order = orderKeys(target, Math.random(), (id) => parts.rotations.isRefused(id));
  const send = (to: Target): void => {
    pools.for(to.upstream).dispatch(
      {
        path: `${to.upstream.basePath}/${chatCompletions}`,
        method: 'POST',
        headers: upstreamHeaders(request.headers, to),
        body: upstreamBody,
      },
      relay,
    );
  };
  const relay = relayFor(parts, { request, response, id, order, snapshot, arrivedAt, send });
  send(order.first);
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
  readonly order: KeyOrder;
  readonly snapshot: Snapshot;
  readonly arrivedAt: number;
  readonly send: (target: Target) => void;
}

function relayFor(parts: GatewayParts, exchange: Exchange): Relay {
  const { metrics, log, refresh } = parts;
  const { order, snapshot, id } = exchange;
  const { slug } = order.first.provider;
  const sentAt = performance.now();
  const ownMs = sentAt - exchange.arrivedAt;
  let target = order.first;
  const rejected = (): void => {
    metrics.keyRejections.inc({ provider: slug });
    refresh();
  };
  metrics.streamsOpen.inc();
  return new Relay(exchange.request, exchange.response, target, {
    ownHeaders: (): OutgoingHttpHeaders => ({
      'x-request-id': id,
      'x-keyward-provider': slug,
      'x-keyward-key-source': target.source,
      'x-keyward-key-fingerprint': target.key.fingerprint,
      'x-keyward-revision': snapshot.revision,
      'x-keyward-overhead-ms': ownMs.toFixed(3),
      ...fallbackHeader(order, target),
      ...('trial' in target && { 'x-keyward-rotation': `${target.trial.stage}, ${target.trial.which} key` }),
    }),
    keyRejected: rejected,
    otherKey: (refusal) => {
      tellLive(parts, target, verdictOfRefusal(refusal));
      const other = otherTarget(parts, order, target, refusal);
      if (other === null) return null;
      rejected();
      noteRefusal(parts, id, target, refusal);
      return other;
    },
    askAgain: (other) => {
      target = other;
      exchange.send(other);
    },
    finished: ({ status, error }) => {
      metrics.streamsOpen.dec();
      metrics.requests.inc({ provider: slug, status, source: target.source });
      metrics.overheadSeconds.observe(ownMs / 1000);
      if (isTrial(target)) countCall(parts, target, outcomeOf(status, error));
      tellLive(parts, target, verdictOfOutcome(status, error));
      if (error === null) return;
      if (status < 400) metrics.answersCut.inc({ provider: slug });
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

/** With what a refused call is asked again: the other key of a rotation, or the one that serves by now. */
function otherTarget(
  { snapshot }: GatewayParts,
  { first, second }: KeyOrder,
  target: Target,
  refusal: KeyRefusal,
): Target | null {
  if (target === first && second !== null && isTrial(target) && mayBeTheKey(target, refusal)) return second;
  // The call took off with a key that has been replaced, and revoked, while it was on its way.
  return refusesKey(refusal) ? replacement(snapshot(), target, [first, second, target]) : null;
}

function noteRefusal(
  { metrics, rotations, log }: GatewayParts,
  id: string,
  target: Target,
  refusal: KeyRefusal,
) {
  const { slug } = target.provider;
  const { verdict, message } = refusal;
  if (isTrial(target)) {
    const { trial } = target;
    countCall({ rotations, metrics }, target, 'refused');
    metrics.rotationFallbacks.inc({ provider: slug, stage: trial.stage });
    if (trial.which === 'new' && speaksAgainstKey(refusal))
      rotations.refused({ slug, trial, verdict, message });
  }
  log.warn(
    { request: id, provider: slug, key: target.key, verdict },
    'a key was refused, another one is asked',
  );
}

/** Of a key in trial its rotation hears, which acts by it. */
function tellLive({ live }: GatewayParts, target: Target, verdict: Verdict | null): void {
  const { fingerprint } = target.key;
  if (verdict === null || fingerprint === undefined || isTrial(target)) return;
  live.saw({ slug: target.provider.slug, fingerprint }, verdict);
}

function isTrial(target: Target): target is TrialTarget {
  return 'trial' in target;
}

type CallOutcome = Parameters<RotationWatch['count']>[2];

function countCall(
  { rotations, metrics }: Pick<GatewayParts, 'rotations' | 'metrics'>,
  { provider, trial }: TrialTarget,
  outcome: CallOutcome,
) {
  rotations.count(trial.rotationId, trial.which, outcome);
  metrics.rotationCalls.inc({ provider: provider.slug, key: trial.which, outcome });
}

/** What a caller asked wrongly, or left, says nothing of the key. */
function outcomeOf(status: number, error: KeywardError | null): CallOutcome {
  if (status === 499) return 'good';
  if (error?.code === 'provider_key_rejected') return 'refused';
  return error !== null || status === 429 || status === 402 || status >= 500 ? 'error' : 'good';
}

function fallbackHeader({ first, second, passedOver }: KeyOrder, target: Target): OutgoingHttpHeaders {
  if (passedOver) return { 'x-keyward-fallback': 'rotation_new_key_refused' };
  if (target === second) {
    const refused = second.trial.which === 'new' ? 'old' : 'new';
    return { 'x-keyward-fallback': `rotation_${refused}_key_refused` };
  }
  if (target !== first) return { 'x-keyward-fallback': 'key_was_replaced' };
  const { fallback } = target.provider.resolution;
  return fallback === null ? {} : { 'x-keyward-fallback': fallback };
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
