/** Names that stand for models: list, set, remove. A name may hold slashes, so it stands in no path. */
import { z } from 'zod';
import { aliasName, aliasTargets, deleteAlias, putAlias, readAliases } from '../../keys/model-alias-store.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle, waitParameter, writtenFields } from '../applied.ts';
import { reason } from '../query-values.ts';
import type { TypedApp } from '../typed-app.ts';

const aliases = '/api/v1/admin/model-aliases';
const tags = ['models'];
const name = aliasName
  .describe('What callers ask for; with a * at its end, whatever begins so.')
  .meta({ examples: ['fast'] });

export function aliasRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { audit } = parts.changes;
  app.get(
    aliases,
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listModelAliases',
        summary: 'All names that stand for models',
        tags,
        querystring: z.strictObject({}),
        response: {
          200: z
            .object({
              data: z.array(
                z.object({
                  alias: z.string(),
                  targets: z.array(z.string()),
                  changed_by: z.string(),
                  changed_at: z.iso.datetime(),
                }),
              ),
            })
            .describe('By name; 500 at most.'),
        },
      },
    },
    async () => ({
      data: (await readAliases(parts.database.kysely)).map(({ alias, targets, changedBy, changedAt }) => ({
        alias,
        targets: [...targets],
        changed_by: changedBy,
        changed_at: changedAt.toISOString(),
      })),
    }),
  );

  app.put(
    aliases,
    {
      config: { access: 'admin', takes: ['Idempotency-Key'] },
      schema: {
        operationId: 'putModelAlias',
        summary: 'Set which models a name stands for',
        description: 'In the place of what it stood for before. What leads nowhere or to itself is refused.',
        tags,
        querystring: z.strictObject({ wait: waitParameter }),
        body: z.strictObject({
          alias: name,
          targets: aliasTargets
            .describe(
              'Models as `provider/model`, or other aliases: the first, and those to fall back to. * stands for what the alias had there.',
            )
            .meta({ examples: [['groq/llama-3.3-70b-versatile', 'openrouter/meta-llama/llama-3.3-70b']] }),
          reason,
        }),
        response: {
          200: z
            .object({ alias: z.string(), targets: z.array(z.string()), ...writtenFields })
            .describe('What it stands for now.'),
        },
      },
    },
    async (request) => {
      const { alias, targets } = request.body;
      const { revision } = await putAlias(audit, occasionOf(request, request.body.reason), {
        alias,
        targets,
      });
      return { alias, targets, ...(await settle(parts, revision, request.query.wait)) };
    },
  );

  app.delete(
    aliases,
    {
      config: { access: 'admin', takes: ['Idempotency-Key'], refusals: ['alias_not_found'] },
      schema: {
        operationId: 'deleteModelAlias',
        summary: 'Remove a name that stands for models',
        tags,
        querystring: z.strictObject({ alias: name, wait: waitParameter }),
        response: { 200: z.object({ alias: z.string(), ...writtenFields }).describe('Removed.') },
      },
    },
    async (request) => {
      const { alias, wait } = request.query;
      const { revision } = await deleteAlias(audit, occasionOf(request), alias);
      return { alias, ...(await settle(parts, revision, wait)) };
    },
  );
}
