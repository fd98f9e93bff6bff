/** Providers: list, look at one, make, change, delete. */
import { z } from 'zod';
import { changeProvider, createProvider, deleteProvider } from '../../keys/change-provider-settings.ts';
import { listProviders, providerSorts, type ProviderSort } from '../../keys/list-providers.ts';
import { plainText } from '../../keys/provider-rules.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle, waitParameter, writtenFields } from '../applied.ts';
import {
  orderOf,
  pageFields,
  pageParameters,
  rowNumber,
  sortParameter,
  sortedPageFields,
} from '../pagination.ts';
import { changedProviderBody, deletedProviderBody, newProviderBody, settingsIn } from '../provider-body.ts';
import { providerView, viewProvider } from '../provider-view.ts';
import { slugParameter, truthText } from '../query-values.ts';
import { noProvider, requireProvider } from '../require-provider.ts';
import type { TypedApp } from '../typed-app.ts';
import { preconditionOf } from '../write-headers.ts';

/** The others are numbers. */
const textSorts: readonly ProviderSort[] = ['slug', 'display_name'];

const listParameters = z.strictObject({
  ...pageParameters,
  source: plainText(50).optional().describe('Only providers of this source.'),
  is_active: truthText().optional(),
  status: z
    .enum(['valid', 'invalid', 'untested', 'error', 'none'])
    .optional()
    .describe('Only providers whose last test said this; none: without a result.'),
  q: plainText(100).optional().describe('Part of the slug or of a name.'),
  sort: sortParameter(providerSorts, 'slug'),
});

const providerWritten = z.object({ ...writtenFields, provider: providerView });

export function providerRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { kysely } = parts.database;
  const providers = '/api/v1/admin/providers';

  app.get(
    providers,
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listProviders',
        summary: 'All providers, page by page',
        tags: ['providers'],
        querystring: listParameters,
        response: { 200: z.object({ data: z.array(providerView), ...pageFields }).describe('One page.') },
      },
    },
    async ({ query }) => {
      const { rows, next } = await listProviders(kysely, {
        filter: { source: query.source, isActive: query.is_active, testStatus: query.status, text: query.q },
        ...orderOf(query, textSorts, rowNumber),
      });
      return {
        data: rows.map((row) => viewProvider(row, parts)),
        ...sortedPageFields(query.sort, next),
      };
    },
  );

  app.get(
    `${providers}/:slug`,
    {
      config: { access: 'viewer', refusals: ['provider_not_found'] },
      schema: {
        operationId: 'getProvider',
        summary: 'One provider',
        description: 'The header `etag` holds the revision in which it changed last, for `If-Match`.',
        tags: ['providers'],
        params: slugParameter,
        querystring: z.strictObject({}),
        response: { 200: providerView.clone().describe('The provider.') },
      },
    },
    async (request, reply) => {
      const row = await requireProvider(parts, request.params.slug);
      void reply.header('etag', `"${row.revision}"`);
      return viewProvider(row, parts);
    },
  );

  app.post(
    providers,
    {
      config: {
        access: 'admin',
        takes: ['Idempotency-Key'],
        refusals: ['provider_exists', 'field_invalid'],
      },
      schema: {
        operationId: 'createProvider',
        summary: 'Add a provider: any endpoint that speaks the OpenAI API',
        tags: ['providers'],
        querystring: z.strictObject({ wait: waitParameter }),
        body: newProviderBody,
        response: { 201: providerWritten.describe('Made.') },
      },
    },
    async (request, reply) => {
      const { slug, display_name: displayName } = request.body;
      const settings = { ...settingsIn(request.body), slug, displayName };
      const { revision } = await createProvider(
        parts.changes,
        occasionOf(request, request.body.reason),
        settings,
      );
      const settled = await settle(parts, revision, request.query.wait);
      void reply.code(201);
      return { ...settled, provider: viewProvider(await requireProvider(parts, slug), parts) };
    },
  );

  app.patch(
    `${providers}/:slug`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: ['provider_not_found', 'field_invalid'],
      },
      schema: {
        operationId: 'changeProvider',
        summary: 'Change a provider; what is not named stays',
        description:
          'A stored key is bound to the host of its provider. When the host changes, the key is parked: it does not serve until it is set again.',
        tags: ['providers'],
        params: slugParameter,
        querystring: z.strictObject({ wait: waitParameter }),
        body: changedProviderBody,
        response: {
          200: providerWritten
            .extend({ parked: z.boolean().describe('The stored key must be set again before it serves.') })
            .describe('Changed.'),
        },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { found, revision, parked } = await changeProvider(
        parts.changes,
        occasionOf(request, request.body.reason),
        slug,
        {
          ...settingsIn(request.body),
          ...(await preconditionOf(request, parts.database)),
        },
      );
      if (!found) throw noProvider(slug);
      const settled = await settle(parts, revision, request.query.wait);
      return { ...settled, parked, provider: viewProvider(await requireProvider(parts, slug), parts) };
    },
  );

  app.delete(
    `${providers}/:slug`,
    {
      config: {
        access: 'admin',
        takes: ['If-Match', 'Idempotency-Key'],
        refusals: ['provider_not_found', 'provider_in_use'],
      },
      schema: {
        operationId: 'deleteProvider',
        summary: 'Delete a provider',
        description:
          'Where a key, models or keys of users hang on it, they go too, and `force=true` is needed. Routing rules of its models stay in the way.',
        tags: ['providers'],
        params: slugParameter,
        querystring: z.strictObject({ wait: waitParameter, force: truthText().default(false) }),
        body: deletedProviderBody,
        response: {
          200: z
            .object({ slug: z.string(), deleted: z.literal(true), ...writtenFields })
            .describe('Deleted.'),
        },
      },
    },
    async (request) => {
      const { slug } = request.params;
      const { force, wait } = request.query;
      const { found, revision } = await deleteProvider(
        parts.changes,
        occasionOf(request, request.body?.reason),
        slug,
        { force, ...(await preconditionOf(request, parts.database)) },
      );
      if (!found) throw noProvider(slug);
      return { slug, deleted: true as const, ...(await settle(parts, revision, wait)) };
    },
  );
}
