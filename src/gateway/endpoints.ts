/**
 * The addresses of the gateway as data: which API each belongs to, what tells the model or the provider, and where
 * it is at the provider. A path is used as it came or refused, never mended: two programs that mend a path
 * differently send a key where nobody meant it.
 */
import type { IncomingMessage } from 'node:http';
import { KeywardError } from '../foundation/errors.ts';
import { plainLine } from '../foundation/visible-text.ts';
import type { Wire } from '../providers/provider-entry.ts';
import type { Closing } from './stream-end.ts';

/** What tells which provider a request is for. */
type RoutedBy =
  /** The field "model" of a JSON body. */
  | 'json_model'
  /** The field "model" of a form with files. */
  | 'form_model'
  /** The path itself: a model, or a provider. */
  | 'path'
  /** The header x-keyward-provider; without it the default provider. */
  | 'provider_header'
  /** Keyward itself answers. */
  | 'keyward'
  /** The same, of the keys that the caller keeps here. */
  | 'user_keys';

export interface Endpoint {
  readonly wire: Wire;
  /** For metrics and usage: of a closed set. */
  readonly name: string;
  readonly routedBy: RoutedBy;
  /** How its event streams end. */
  readonly closing: Closing;
}

export interface Route {
  readonly endpoint: Endpoint;
  /** After the base URL, with leading slash; {model} stands for the model's name at the provider. */
  readonly path: string;
  /** With its question mark; empty where there is none, or where the provider has no use for it. */
  readonly query: string;
  /** Of the path, decoded. */
  readonly model?: string;
  readonly slug?: string;
}

/** Where the OpenAI-compatible API and Anthropic's are served; the longest first. */
const openPrefixes = ['/api/v1/llm/v1/', '/api/v1/llm/', '/v1/'] as const;
const googlePrefixes = ['/api/v1/llm/v1beta/', '/v1beta/'] as const;
/** Newer SDKs of Google's ask for v1, whose acts are told from OpenAI's models by their colon. */
const googleV1 = /^models\/[^?]+:[A-Za-z]+$/;
const passthroughPrefix = '/api/v1/llm/passthrough/';

type Known = readonly [method: string, pattern: string, routedBy: RoutedBy, wire?: Wire];

/** `:id` is one segment. */
const known: readonly Known[] = [
  ['POST', 'chat/completions', 'json_model'],
  ['POST', 'completions', 'json_model'],
  ['POST', 'embeddings', 'json_model'],
  ['POST', 'moderations', 'json_model'],
  ['POST', 'rerank', 'json_model'],
  ['POST', 'responses', 'json_model'],
  ['GET', 'responses/:id', 'provider_header'],
  ['DELETE', 'responses/:id', 'provider_header'],
  ['POST', 'responses/:id/cancel', 'provider_header'],
  ['GET', 'responses/:id/input_items', 'provider_header'],
  ['POST', 'images/generations', 'json_model'],
  ['POST', 'images/edits', 'form_model'],
  ['POST', 'images/variations', 'form_model'],
  ['POST', 'audio/speech', 'json_model'],
  ['POST', 'audio/transcriptions', 'form_model'],
  ['POST', 'audio/translations', 'form_model'],
  ['GET', 'files', 'provider_header'],
  ['POST', 'files', 'provider_header'],
  ['GET', 'files/:id', 'provider_header'],
  ['DELETE', 'files/:id', 'provider_header'],
  ['GET', 'files/:id/content', 'provider_header'],
  ['GET', 'batches', 'provider_header'],
  ['POST', 'batches', 'provider_header'],
  ['GET', 'batches/:id', 'provider_header'],
  ['POST', 'batches/:id/cancel', 'provider_header'],
  ['POST', 'messages', 'json_model', 'messages'],
  ['POST', 'messages/count_tokens', 'json_model', 'messages'],
  ['GET', 'byok/keys', 'user_keys'],
  ['PUT', 'byok/keys', 'user_keys'],
  ['POST', 'byok/keys', 'user_keys'],
  ['DELETE', 'byok/keys/:id', 'user_keys'],
  ['POST', 'byok/keys/:id/test', 'user_keys'],
  ['GET', 'models', 'keyward'],
  ['GET', 'models/*', 'keyward'],
];

interface Pattern {
  readonly method: string;
  readonly expression: RegExp;
  readonly endpoint: Endpoint;
}

const patterns: readonly Pattern[] = known.map(([method, pattern, routedBy, wire = 'compatible']) => ({
  method,
  expression: new RegExp(`^${pattern.replaceAll(':id', '[^/]+').replace('*', '.+')}$`),
  endpoint: { wire, name: pattern, routedBy, closing: closingOf(wire, pattern) },
}));

function closingOf(wire: Wire, name: string): Closing {
  if (wire === 'messages') return 'message_stop';
  return name.endsWith('completions') ? 'done' : 'whole_event';
}

/** What is asked for most is found without a walk. */
const byPath: ReadonlyMap<string, Pattern> = new Map(
  patterns.filter(({ method }) => method === 'POST').map((pattern) => [pattern.endpoint.name, pattern]),
);

const googleModel = /^models\/(.+):([A-Za-z]+)$/;
const passthrough: Endpoint = {
  wire: 'compatible',
  name: 'passthrough',
  routedBy: 'path',
  closing: 'whole_event',
};
const generate: Endpoint = {
  wire: 'gemini',
  name: 'models/:model',
  routedBy: 'path',
  closing: 'whole_event',
};
const googleModels: Endpoint = {
  wire: 'gemini',
  name: 'models',
  routedBy: 'keyward',
  closing: 'whole_event',
};

/** Whether an address (with or without query) belongs to the gateway. */
export function isGatewayAddress(url: string): boolean {
  return openPrefixes.some((prefix) => url.startsWith(prefix)) || url.startsWith('/v1beta/');
}

/**
 * The API whose client asks, so that even a refusal is in its words. The list of models is at one address for all:
 * there Anthropic's SDK is told by the version that it always says, Google's by the place of its key.
 */
export function wireOf({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): Wire {
  const { path } = split(url);
  if (googlePath(path) !== undefined) return 'gemini';
  const [first = ''] = (after(path, openPrefixes) ?? '').split('/', 1);
  if (first === 'messages') return 'messages';
  if (first !== 'models') return 'compatible';
  if (headers['anthropic-version'] !== undefined) return 'messages';
  return headers['x-goog-api-key'] === undefined ? 'compatible' : 'gemini';
}

/**
 * @param url as it stands in the request line
 * @throws KeywardError route_not_found; method_not_allowed, whose `allowed` names the methods; path_refused
 */
export function routeOf(method: string, url: string): Route {
  const { path, query } = split(url);
  if (path.startsWith(passthroughPrefix))
    return passthroughRoute(path.slice(passthroughPrefix.length), query);
  const google = googlePath(path);
  if (google !== undefined) return googleRoute(method, google, query);
  const rest = after(path, openPrefixes) ?? '';
  const exact = byPath.get(rest);
  if (exact !== undefined && exact.method === method)
    return { endpoint: exact.endpoint, path: `/${rest}`, query: '' };
  const here = patterns.filter(({ expression }) => expression.test(rest));
  const found = here.find((pattern) => pattern.method === method);
  if (found !== undefined) return openRoute(found.endpoint, rest, query);
  if (here.length > 0) throw notAllowed(here.map((pattern) => pattern.method));
  throw new KeywardError('route_not_found', {
    message:
      'There is nothing at this address. Chat completions are at POST /api/v1/llm/chat/completions; what a provider has beside the known addresses is under /api/v1/llm/passthrough/{provider}/.',
  });
}

/** Thrown beside its error: the methods that the address has, for the header Allow. */
export class MethodNotAllowedError extends KeywardError {
  readonly allow: string;

  constructor(allow: string) {
    super('method_not_allowed');
    this.allow = allow;
  }
}

function notAllowed(methods: readonly string[]): KeywardError {
  return new MethodNotAllowedError([...new Set(methods)].join(', '));
}

function openRoute(endpoint: Endpoint, rest: string, query: string): Route {
  if (endpoint.routedBy === 'keyward')
    return { endpoint, path: `/${rest}`, query, ...(rest !== 'models' && { model: decoded(rest.slice(7)) }) };
  refusePath(rest);
  const needsQuery = endpoint.routedBy === 'provider_header';
  if (needsQuery) refuseKeyInQuery(query);
  return { endpoint, path: `/${rest}`, query: needsQuery ? query : '' };
}

function googleRoute(method: string, rest: string, query: string): Route {
  refuseKeyInQuery(query);
  const [, named, act] = googleModel.exec(rest) ?? [];
  if (named === undefined || act === undefined) {
    if (rest !== 'models' && !rest.startsWith('models/')) throw new KeywardError('route_not_found');
    if (method !== 'GET') throw notAllowed(['GET']);
    const model = rest === 'models' ? undefined : decoded(rest.slice('models/'.length));
    return { endpoint: googleModels, path: `/${rest}`, query, ...(model !== undefined && { model }) };
  }
  if (method !== 'POST') throw notAllowed(['POST']);
  return { endpoint: generate, path: `/models/{model}:${act}`, query, model: modelName(named) };
}

function passthroughRoute(rest: string, query: string): Route {
  const slash = rest.indexOf('/');
  if (slash < 1 || slash === rest.length - 1)
    throw new KeywardError('route_not_found', {
      message: 'Name provider and path: /api/v1/llm/passthrough/{provider}/{path}.',
    });
  refuseKeyInQuery(query);
  const path = rest.slice(slash);
  refusePath(path);
  return { endpoint: passthrough, path, query, slug: rest.slice(0, slash) };
}

function split(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark === -1 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark) };
}

/** What follows the version, for which the provider is asked as v1beta: that has all of v1. */
function googlePath(path: string): string | undefined {
  const open = after(path, openPrefixes);
  return after(path, googlePrefixes) ?? (open !== undefined && googleV1.test(open) ? open : undefined);
}

function after(path: string, prefixes: readonly string[]): string | undefined {
  const prefix = prefixes.find((one) => path.startsWith(one));
  return prefix === undefined ? undefined : path.slice(prefix.length);
}

/** What RFC 3986 lets a path hold; Node lets more through. */
const pathCharacters = /^[\w.~!$&'()*+,;=:@%/-]*$/;
/** Read by some as a slash, a dot, or the end of the text: encoded once more, too. */
const hidden = /%(?:25)*(?:2e|2f|5c|[01][0-9a-f]|7f)|%(?![0-9a-f]{2})/i;

/** Some read a dot before parameters (RFC 3986, 3.3) as a dot. */
const climbs = /^\.{1,2}(?:;|$)/;

/** @throws KeywardError path_refused for what some program could take for another path */
function refusePath(path: string): void {
  const odd =
    !pathCharacters.test(path) ||
    hidden.test(path) ||
    !isText(path) ||
    path.split('/').some((segment) => climbs.test(segment));
  if (odd || path.includes('//')) throw new KeywardError('path_refused');
}

/** Bytes that are no UTF-8 are a slash or a dot to programs that do not look closely. */
function isText(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

const keyParameter = /[?&](?:key|api[_-]?key|access[_-]?token)=/i;

/** @throws KeywardError token_in_address: addresses end up in logs */
function refuseKeyInQuery(query: string): void {
  if (keyParameter.test(query)) throw new KeywardError('token_in_address');
}

/** It is encoded again on its way, so a slash may come either way. */
function modelName(text: string): string {
  const name = decoded(text);
  if (!plainLine.test(name) || name.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new KeywardError('path_refused');
  return name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new KeywardError('path_refused');
  }
}
