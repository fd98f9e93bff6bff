/**
 * Which headers cross the gateway. Towards the provider an allow list, so that a caller's credentials
 * and addresses stay here; towards the caller a deny list, so that limits and diagnostics get through.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';
import { carryKey } from '../providers/key-header.ts';
import { version } from '../foundation/version.ts';
import type { Target } from './choose-provider.ts';

const forwarded = [
  'accept',
  'accept-language',
  'anthropic-beta',
  'anthropic-version',
  'http-referer',
  'idempotency-key',
  'openai-beta',
  'traceparent',
  'tracestate',
  'x-title',
] as const;

/** For the upstream request. The values hold the key: neither log nor store them. */
export function upstreamHeaders(
  caller: IncomingHttpHeaders,
  target: Target,
  contentType: string | null = 'application/json',
): Record<string, string> {
  const headers: Record<string, string> = {
    ...target.api?.headers,
    ...(contentType !== null && { 'content-type': contentType }),
    // An encoded stream would be held back by the encoder, and an encoded error could not be scrubbed.
    'accept-encoding': 'identity',
    'user-agent': `keyward/${version}`,
  };
  for (const name of forwarded) {
    const value = caller[name];
    if (typeof value === 'string') headers[name] = value;
  }
  // The provider's own headers are the administrator's word and go before the caller's; the key goes last.
  Object.assign(headers, target.upstream.headers);
  const [name, value] = carryKey(target.api?.keyHeader ?? target.provider.entry.keyHeader, target.key);
  headers[name] = value;
  return headers;
}

/** Of one connection only (RFC 9110, 7.6.1), or the provider's business with its own visitors. */
const heldBack = new Set([
  'alt-svc',
  'connection',
  'keep-alive',
  'nel',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'report-to',
  'server',
  'set-cookie',
  'strict-transport-security',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  'x-request-id',
]);

/**
 * The provider's answer headers that the caller may see; its request id under a name of its own.
 * @param isLeak tells a value that repeats our key: such a header is left out
 */
export function answerHeaders(
  provider: IncomingHttpHeaders,
  isLeak: (value: string) => boolean,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const name in provider) {
    const value = provider[name];
    if (heldBack.has(name) || name.startsWith('x-keyward-')) continue;
    if (typeof value === 'string' ? isLeak(value) : value?.some(isLeak)) continue;
    headers[name] = value;
  }
  const id = provider['x-request-id'];
  if (typeof id === 'string' && !isLeak(id)) headers['x-provider-request-id'] = id;
  return headers;
}

/** The caller's request id where it is a plain one, else a new one. */
export function requestId(caller: IncomingHttpHeaders): string {
  const given = caller['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}
