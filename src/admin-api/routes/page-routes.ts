/**
 * The page of administrators: its files, and its shell at every address that a browser may be sent to. What
 * the page shows it asks of the admin API: nothing here knows who looks.
 */
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KeywardError } from '../../foundation/errors.ts';
import { pageDirectory, readShell } from '../page-files.ts';
import type { TypedApp } from '../typed-app.ts';

/** They are no part of the API: its document does not name them. */
const ofThePage = { config: { access: 'public' }, schema: { hide: true } } as const;

/** Addresses under these are for programs: what is not there is an error, and no page. */
const ofPrograms = /^\/(?:api|v1|v1beta|health\/(?:live|ready)|metrics|assets)(?:\/|$)/;

/**
 * Call before the routes that follow it.
 * @returns what answers a request for the page; false: the request is not for it
 */
export async function pageRoutes(
  app: TypedApp,
): Promise<(request: FastifyRequest, reply: FastifyReply) => boolean> {
  await app.register(fastifyStatic, {
    root: pageDirectory,
    serve: false,
    preCompressed: true,
    // Nobody has built the page yet, or has left it out: its shell says so.
    suppressWarning: true,
  });
  app.get('/assets/:name', ofThePage, async (request, reply) => {
    const { name } = request.params as { name: string };
    // The names hold a hash of what is in the files.
    if (!/^[\w.-]+$/.test(name)) throw new KeywardError('route_not_found');
    return reply.sendFile(`assets/${name}`, { immutable: true, maxAge: '365d' });
  });
  app.get('/favicon.svg', ofThePage, async (_request, reply) =>
    reply.sendFile('favicon.svg', { maxAge: '1d' }),
  );
  return (request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    if (!isRead(request) || !wantsPage(request, path)) return false;
    const { html, contentSecurityPolicy } = readShell(pageDirectory);
    void reply
      .code(200)
      .headers({
        'content-security-policy': contentSecurityPolicy,
        'cache-control': 'no-store',
        'content-type': 'text/html; charset=utf-8',
      })
      .serializer((text: string) => text)
      .send(html);
    return true;
  };
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Browsers say that they want HTML when somebody goes to an address; programs hardly ever do. */
function wantsPage({ headers }: FastifyRequest, path: string): boolean {
  if (path === '/') return true;
  return !ofPrograms.test(path) && (headers.accept ?? '').includes('text/html');
}
