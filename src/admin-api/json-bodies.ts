/** Bodies are JSON or nothing: every other content type is refused before it is read. */
import type { FastifyInstance } from 'fastify';

export function readJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Some clients always name a type, also where they send nothing.
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
}
