/**
 * The way in for callers: routes a request, checks it, finds its key in the snapshot and hands it to its exchange. No
 * query, no decryption and no waiting stand between a request that has arrived and its upstream call.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { authenticate, openCaller, type Caller } from '../auth/authenticate.ts';
import type { Config } from '../foundation/config.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import type { Wire } from '../providers/provider-entry.ts';
import { Attempts } from './attempts.ts';
import { noBody, readAnyBody, readModelBody, readPlainBody, type CallBody } from './call-body.ts';
import { mayUse, refuseNotAllowed } from './caller-permission.ts';
import { presentedToken } from './caller-token.ts';
import { refusePublicHost } from './check-host.ts';
import { aliasTargets, chooseBySlug, chooseTarget, type Target, type Wanted } from './choose-provider.ts';
import { Circuits } from './circuit.ts';
import { isGatewayAddress, MethodNotAllowedError, routeOf, wireOf, type Route } from './endpoints.ts';
import { Exchange, type Senders } from './exchange.ts';
import { readFormModel } from './form-model.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { requestId } from './headers.ts';
import { listedAliases, listedId } from './listed-aliases.ts';
import { ModelCatalogue, type ListedModel } from './model-catalogue.ts';
import { checkBodyHeaders, refuseDuplicateHeaders } from './read-request.ts';
import { sendError } from './send-error.ts';
import { sendModels } from './send-models.ts';
import { answerUserKeys } from './user-key-requests.ts';
import { UpstreamPools } from './upstream-pools.ts';

export interface Gateway {
  /** Whether an address (with or without query) belongs to the gateway. */
  serves(url: string): boolean;
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

/** A host that does not answer is left alone after so many times in a row, */
const hostRule = { failures: 5, overMs: 3_000, firstPauseMs: 2_000, longestPauseMs: 60_000 };
/** and a key that is refused, however soon: each refusal is an answer of its own. */
const keyRule = { ...hostRule, failures: 3, overMs: 0 };

interface Rooms extends Senders {
  readonly models: ModelCatalogue;
}

export function createGateway(parts: GatewayParts): Gateway {
  const pools = new UpstreamPools(parts.config.upstream);
  const rooms: Rooms = {
    pools,
    hosts: new Circuits(hostRule, parts.clock),
    keys: new Circuits(keyRule, parts.clock),
    models: new ModelCatalogue({ pools, clock: parts.clock, log: parts.log }),
  };
  return {
    serves: isGatewayAddress,
    handle: (request, response) => {
      const id = requestId(request.headers);
      serve(parts, rooms, { request, response, id }).catch((error: unknown) => {
        refuse(parts, { request, response, id }, error);
      });
    },
    close: async () => pools.close(),
  };
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
}

async function serve(parts: GatewayParts, rooms: Rooms, asked: Asked): Promise<void> {
  const { request, response } = asked;
  const { config } = parts;
  const route = routeOf(request.method ?? '', request.url ?? '');
  refuseDuplicateHeaders(request);
  // The lists of models are at one address for all APIs.
  const wire = route.endpoint.routedBy === 'keyward' ? wireOf(request) : route.endpoint.wire;
  const caller = callerOf(parts, request, wire);
  if (route.endpoint.routedBy === 'keyward') {
    response.setHeader('x-request-id', asked.id);
    const wanted = wantedBy(config, caller, wire);
    const models = await modelsFor(parts, rooms, caller, wanted);
    const { model } = route;
    const id = model === undefined ? undefined : listedId(parts.snapshot(), model, wanted);
    sendModels(response, { model, id, wire }, models);
    return;
  }
  if (route.endpoint.routedBy === 'user_keys') {
    response.setHeader('x-request-id', asked.id);
    await answerUserKeys(parts.userKeys, config.limits, { ...asked, caller, path: route.path });
    return;
  }
  admit(parts, response, caller);
  const { body, targets, arrivedAt = performance.now() } = await read(parts, { request, caller }, route);
  const snapshot = parts.snapshot();
  const { first, others } = firstThatServes(targets(snapshot));
  const attempts = new Attempts(first, others, {
    retries: config.upstream.retries,
    snapshot: () => parts.snapshot(),
    isRefused: (id) => parts.rotations.isRefused(id),
    dice: Math.random,
    byokFallback: config.byokFallback,
  });
  new Exchange(parts, rooms, { ...asked, caller, route, body, attempts, snapshot, arrivedAt }).begin();
}

/** What this caller may name, for the calls of this API. */
async function modelsFor(
  parts: GatewayParts,
  { models }: Rooms,
  caller: Caller,
  wanted: Wanted,
): Promise<ListedModel[]> {
  const snapshot = parts.snapshot();
  const listed = await models.list(snapshot, wanted.wire);
  const allowed = listed.filter(({ slug, id }) => mayUse(caller.limits, slug, id.slice(slug.length + 1)));
  return [...listedAliases(snapshot, wanted), ...allowed];
}

/** @throws KeywardError token_missing, token_invalid, host_not_allowed */
function callerOf({ config, snapshot, clock }: GatewayParts, request: IncomingMessage, wire: Wire): Caller {
  if (config.gatewayAuth === 'token')
    return authenticate(presentedToken(request.headers, wire), snapshot().gatewayTokens, clock);
  refusePublicHost(request);
  return openCaller;
}

/** Before the body is read. @throws KeywardError budget_exhausted, caller_rate_limited (429) */
function admit({ limits }: GatewayParts, response: ServerResponse, caller: Caller): void {
  try {
    limits.admit(caller);
  } finally {
    // A refusal says it too, whatever is refused.
    for (const [name, value] of Object.entries(limits.headers(caller))) response.setHeader(name, value);
  }
}

interface Choices {
  /** The first, and those to fall back to. */
  readonly targets: readonly (() => Target)[];
  /** An administrator chose the first, so nothing that is wrong with it is the caller's fault. */
  readonly byAlias: boolean;
}

interface Read {
  readonly body: CallBody;
  /** When it was there, where reading it took time since. */
  readonly arrivedAt?: number;
  readonly targets: (snapshot: Snapshot) => Choices;
}

function wantedBy({ defaultProvider, byokFallback }: Config, caller: Caller, wire: Wire): Wanted {
  return {
    wire,
    defaultProvider,
    owner: caller.limits?.owner ?? null,
    byokFallback,
    permit: (slug, model) => refuseNotAllowed(caller, slug, model),
  };
}

/** Reads as much of a request as tells where it goes. */
async function read(
  parts: GatewayParts,
  { request, caller }: { request: IncomingMessage; caller: Caller },
  route: Route,
): Promise<Read> {
  const { limits } = parts.config;
  const { wire, routedBy } = route.endpoint;
  const wanted: Wanted = {
    ...wantedBy(parts.config, caller, wire),
    asked: (slug) => parts.requests.count(slug),
  };
  const byModel = (body: CallBody, model: string): Read => ({
    body,
    targets: (snapshot) => modelTargets(snapshot, { model, fallbacks: fallbackModels(request) }, wanted),
  });
  if (routedBy === 'form_model') {
    const { model, body } = await readFormModel(request, limits);
    return byModel(body, model);
  }
  if (routedBy === 'json_model') {
    checkBodyHeaders(request, limits);
    const { model, body, arrivedAt } = await readModelBody(request, limits);
    return { ...byModel(body, model), arrivedAt };
  }
  if (route.model !== undefined) {
    checkBodyHeaders(request, limits);
    return byModel(await readPlainBody(request, limits), route.model);
  }
  const slug = route.slug ?? headerOf(request, 'x-keyward-provider');
  const body = request.method === 'GET' ? noBody : await readAnyBody(request, limits);
  const own = route.slug !== undefined;
  return {
    body,
    targets: (snapshot) => ({
      targets: [() => chooseBySlug(snapshot, slug, { ...wanted, own })],
      byAlias: false,
    }),
  };
}

function modelTargets(
  snapshot: Snapshot,
  { model, fallbacks }: { model: string; fallbacks: readonly string[] },
  wanted: Wanted,
): Choices {
  const alias = aliasTargets(snapshot, model);
  const [first = model, ...ofAlias] = alias ?? [];
  const ofCaller = fallbacks.flatMap((fallback) => {
    const targets = aliasTargets(snapshot, fallback);
    if (targets === null) refuseForbidden(snapshot, fallback, wanted);
    return targets ?? [fallback];
  });
  // The caller's own list is in the place of the administrator's.
  const others = ofCaller.length > 0 ? ofCaller : ofAlias;
  return {
    targets: [first, ...others].map((name) => () => chooseTarget(snapshot, name, wanted)),
    byAlias: alias !== null,
  };
}

/** @throws KeywardError what is wrong with the first, where none can serve */
function firstThatServes({ targets, byAlias }: Choices): {
  first: Target;
  others: readonly (() => Target)[];
} {
  let fault: unknown;
  for (const [index, choose] of targets.entries()) {
    try {
      const target = choose();
      const first = index === 0 ? target : { ...target, fallback: 'other_model' as const };
      return { first, others: targets.slice(index + 1) };
    } catch (error) {
      if (index === 0) fault = error;
      if (!byAlias && error instanceof KeywardError && error.status < 500) break;
    }
  }
  throw fault ?? new KeywardError('internal_error');
}

/** What a caller may not use is said at once, not when it is needed; what else is wrong with a fallback, never. */
function refuseForbidden(snapshot: Snapshot, model: string, wanted: Wanted): void {
  try {
    chooseTarget(snapshot, model, { ...wanted, asked: () => undefined });
  } catch (error) {
    if (error instanceof KeywardError && error.code === 'token_not_allowed') throw error;
  }
}

const mostFallbacks = 5;

/** The caller's own list, in order, for when the model that it asks for cannot serve. */
function fallbackModels(request: IncomingMessage): string[] {
  const text = headerOf(request, 'x-keyward-fallback-models');
  if (text === undefined) return [];
  const models = text.split(',').map((model) => model.trim());
  if (models.length > mostFallbacks || models.includes(''))
    throw new KeywardError('header_invalid', {
      message: `x-keyward-fallback-models holds 1 to ${mostFallbacks} models, separated by commas.`,
      param: 'x-keyward-fallback-models',
    });
  return models;
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function refuse({ metrics, log }: GatewayParts, { request, response, id }: Asked, failure: unknown): void {
  const error =
    failure instanceof KeywardError ? failure : new KeywardError('internal_error', { cause: failure });
  if (error.code === 'internal_error')
    log.error({ request: id, err: failure }, 'a request failed inside the gateway');
  metrics.requests.inc({ provider: 'none', status: error.status, source: 'none' });
  if (!response.headersSent) response.setHeader('x-request-id', id);
  if (error instanceof MethodNotAllowedError) response.setHeader('allow', error.allow);
  sendError(request, response, error, wireOf(request));
}
