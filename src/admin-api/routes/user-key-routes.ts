/** The keys that users brought, as administrators see them: whose, for which provider, masked; and their removal. */
import { z } from 'zod';
import { plainText } from '../../keys/provider-rules.ts';
import { removeUserKey } from '../../keys/remove-user-key.ts';
import { pageOfUserKeys, userKeySorts, type UserKeySort } from '../../keys/user-key-store.ts';
import { viewOwnedUserKey } from '../../keys/view-user-key.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { settle, waitParameter, writtenFields } from '../applied.ts';
import {
  orderOf,
  pageFields,
  pageParameters,
  rowNumber,
  sortedPageFields,
  sortParameter,
} from '../pagination.ts';
import { reason, rowParameter } from '../query-values.ts';
import type { TypedApp } from '../typed-app.ts';

const userKeys = '/api/v1/admin/user-keys';
const tags = ['user-keys'];

const userKey = z
  .object({
    id: z.int(),
    owner: z.string().describe('The user, as `user_api_keys.user_id` names them.'),
    provider: z.string(),
    key_name: z.string().nullable().describe('As its owner calls it.'),
    mask: z.string().describe('How the key begins and ends.'),
    is_active: z.boolean().describe('Whether it may serve.'),
    is_validated: z.boolean().describe('Whether the last test found it good.'),
    validation_error: z
      .string()
      .nullable()
      .describe('What the last test or the last refusal said; null where it was good, or there was none.'),
    last_validated_at: z.iso.datetime().nullable().describe('When that was.'),
    created_at: z.iso.datetime().describe('When its owner brought a first one.'),
    replaced_at: z.iso.datetime().nullable().describe('When it came in the place of another.'),
  })
  .meta({ id: 'UserKey' });

/** The others are times. */
const textSorts: readonly UserKeySort[] = ['owner'];

const listParameters = z.strictObject({
  ...pageParameters,
  owner: plainText(255).optional().describe('Only keys of this user.'),
  provider: plainText(100).optional().describe('Only keys for this provider, by its slug.'),
  q: plainText(100).optional().describe('Part of the owner or of the name of the key.'),
  sort: sortParameter(userKeySorts, 'owner'),
});

export function userKeyRoutes(app: TypedApp, parts: AdminApiParts): void {
  app.get(
    userKeys,
    {
      config: { access: 'viewer', refusals: ['cursor_invalid'] },
      schema: {
        operationId: 'listUserKeys',
        summary: 'The keys that users brought, page by page, masked',
        description: 'Users set and test them by themselves, at `/api/v1/llm/byok/keys`.',
        tags,
        querystring: listParameters,
        response: { 200: z.object({ data: z.array(userKey), ...pageFields }).describe('One page.') },
      },
    },
    async ({ query }) => {
      const { rows, next } = await pageOfUserKeys(parts.database.kysely, {
        filter: { owner: query.owner, provider: query.provider, text: query.q },
        ...orderOf(query, textSorts, rowNumber),
      });
      return { data: rows.map((row) => viewOwnedUserKey(row)), ...sortedPageFields(query.sort, next) };
    },
  );

  app.delete(
    `${userKeys}/:id`,
    {
      config: { access: 'admin', takes: ['Idempotency-Key'], refusals: ['user_key_not_found'] },
      schema: {
        operationId: 'removeUserKey',
        summary: 'Remove a key that a user brought, for when somebody has left',
        description: 'It lives on at its provider: only its owner can revoke it there.',
        tags,
        params: rowParameter('a key'),
        querystring: z.strictObject({ wait: waitParameter }),
        body: z.strictObject({ reason }).nullable(),
        response: {
          200: z
            .object({ id: z.int(), owner: z.string(), provider: z.string(), ...writtenFields })
            .describe('Removed.'),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const occasion = occasionOf(request, request.body?.reason);
      const { removed, revision } = await removeUserKey(parts.changes.audit, occasion, id);
      const settled = await settle(parts, revision, request.query.wait);
      return { id, owner: removed.owner, provider: removed.slug, ...settled };
    },
  );
}
