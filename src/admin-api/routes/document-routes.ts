/** The document of this API, for programs at /api/openapi.json and for people at /api/docs. */
import { z } from 'zod';
import { renderDocsPage } from '../document/docs-page.ts';
import { docsStyle } from '../document/docs-style.ts';
import { openapiDocument } from '../openapi.ts';
import type { TypedApp } from '../typed-app.ts';

/** The page needs one style sheet of our own and nothing else. */
const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const text = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: z.string() } },
});

export function documentRoutes(app: TypedApp): void {
  const rendered: { json?: string; page?: string } = {};

  app.get(
    '/api/openapi.json',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getOpenapi',
        summary: 'This document',
        tags: ['documentation'],
        response: { 200: z.looseObject({ openapi: z.string() }).describe('OpenAPI 3.1.') },
      },
    },
    async (_request, reply) => {
      rendered.json ??= JSON.stringify(openapiDocument(app), null, 2);
      return reply
        .type('application/json; charset=utf-8')
        .serializer((json: string) => json)
        .send(rendered.json as never);
    },
  );

  app.get(
    '/api/docs',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getDocs',
        summary: 'This document as a page',
        tags: ['documentation'],
        response: { 200: text('text/html', 'A page without scripts.') },
      },
    },
    async (_request, reply) => {
      rendered.page ??= renderDocsPage(openapiDocument(app));
      return reply
        .header('content-security-policy', contentSecurityPolicy)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .type('text/html; charset=utf-8')
        .serializer((page: string) => page)
        .send(rendered.page);
    },
  );

  app.get(
    '/api/docs/style.css',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getDocsStyle',
        summary: 'The style sheet of that page',
        tags: ['documentation'],
        response: { 200: text('text/css', 'CSS.') },
      },
    },
    async (_request, reply) =>
      reply
        .header('x-content-type-options', 'nosniff')
        .type('text/css; charset=utf-8')
        .serializer((style: string) => style)
        .send(docsStyle),
  );
}
