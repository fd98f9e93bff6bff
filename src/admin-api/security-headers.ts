/** The headers that tell browsers how little an answer of the admin side may do; every answer carries them. */
import { fastifyHelmet } from '@fastify/helmet';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { cameByHttps } from './client-address.ts';

const own = ["'self'"];
const nothing = ["'none'"];

/** Of the admin side; the page's shell allows its own styles besides. */
const directives: Readonly<Record<string, readonly string[]>> = {
  'default-src': nothing,
  'script-src': own,
  'style-src': own,
  'img-src': [...own, 'data:'],
  'font-src': own,
  'connect-src': own,
  'manifest-src': own,
  'form-action': own,
  'base-uri': nothing,
  'frame-ancestors': nothing,
};

/** @param nonce what a style element of this one answer carries */
export function shellPolicy(nonce: string): string {
  return Object.entries({ ...directives, 'style-src': [...own, `'nonce-${nonce}'`] })
    .map(([name, values]) => `${name} ${values.join(' ')}`)
    .join('; ');
}

/** Call before anything else may refuse a request. */
export async function sendSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives,
    },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    // Said below, where it is true.
    strictTransportSecurity: false,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (cameByHttps(request)) reply.header('strict-transport-security', 'max-age=31536000');
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
}

/** For an address that Fastify cannot even route: no hook runs for it. */
export function sealMalformed(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
}
