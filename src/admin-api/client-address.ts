/** Where a request came from, as far as it can be believed: X-Forwarded-* counts from trusted proxies only. */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** An IP address; IPv4 in its own notation also where the socket speaks IPv6. */
export function addressOf(request: FastifyRequest): string {
  // A proxy may pass on what is no address at all.
  const address = isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? 'unknown') : request.ip;
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Whether the browser spoke TLS, to us or to a trusted proxy. */
export function cameByHttps(request: FastifyRequest): boolean {
  return request.protocol === 'https';
}
