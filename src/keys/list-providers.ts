/**
 * The table llm_providers as administrators see it: one provider by its slug, or a page of a filtered and
 * sorted list; each with the revision of its last change. Odd values of foreign writers break no page.
 */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { isBehind, microseconds, pageOf, type Page, type PageWanted } from '../database/keyset.ts';
import type { LlmProvidersTable, Tables } from '../database/tables.ts';
import { holdsText } from '../database/text-filter.ts';
import { KeywardError } from '../foundation/errors.ts';
import { holdsNoSecret } from './provider-rules.ts';

export interface ListedProvider extends Selectable<LlmProvidersTable> {
  /** The revision in which it changed last; 0 where it has not changed since these are counted. */
  readonly revision: number;
}

export const providerSorts = ['slug', 'display_name', 'key_updated_at', 'last_tested'] as const;

export type ProviderSort = (typeof providerSorts)[number];

interface ProviderFilter {
  readonly source?: string | undefined;
  readonly isActive?: boolean | undefined;
  /** A value of api_key_test_status, or `none` for providers without one. */
  readonly testStatus?: string | undefined;
  /** Part of the slug or of a name, in any case. */
  readonly text?: string | undefined;
}

export interface ProviderList extends PageWanted<ProviderSort> {
  readonly filter: ProviderFilter;
}

/** Undefined where there is none. An empty key is no key, as the platform's own code has it. */
export async function findProvider(db: Kysely<Tables>, slug: string): Promise<ListedProvider | undefined> {
  const row = await selectProviders(db).where('provider_slug', '=', slug).executeTakeFirst();
  return row === undefined ? undefined : listed(row);
}

/** @throws KeywardError field_invalid (400) that names the first of them that there is not, and those there are */
export async function refuseUnknownProviders(
  db: Kysely<Tables>,
  slugs: readonly string[],
  param: string,
): Promise<void> {
  if (slugs.length === 0) return;
  const rows = await db
    .selectFrom('llm_providers')
    .select('provider_slug')
    .orderBy('provider_slug')
    .execute();
  const known = rows.map((row) => row.provider_slug);
  const unknown = slugs.find((slug) => !known.includes(slug));
  if (unknown === undefined) return;
  const name = holdsNoSecret(unknown) ? ` "${unknown}"` : ' of that slug';
  throw new KeywardError('field_invalid', {
    message: `There is no provider${name}. There are: ${known.join(', ')}. Nothing was changed.`,
    param,
  });
}

/** As findProvider, by its number. */
export async function findProviderById(db: Kysely<Tables>, id: number): Promise<ListedProvider | undefined> {
  const row = await selectProviders(db).where('llm_providers.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : listed(row);
}

export async function listProviders(db: Kysely<Tables>, list: ProviderList): Promise<Page<ListedProvider>> {
  const { filter, after, limit, descending } = list;
  const sortedBy = sortKeys[list.sort];
  const direction = descending ? 'desc' : 'asc';
  let query = selectProviders(db)
    .select(sql<string>`(${sortedBy})::text`.as('sorted_by'))
    .orderBy(sortedBy, direction)
    .orderBy('id', direction)
    .limit(limit + 1);
  if (filter.source !== undefined) query = query.where('api_key_source', '=', filter.source);
  if (filter.isActive !== undefined) {
    query = query.where(sql<boolean>`coalesce(is_active, false)`, '=', filter.isActive);
  }
  if (filter.testStatus === 'none') query = query.where('api_key_test_status', 'is', null);
  else if (filter.testStatus !== undefined)
    query = query.where('api_key_test_status', '=', filter.testStatus);
  if (filter.text !== undefined)
    query = query.where(holdsText(filter.text, 'provider_slug', 'display_name', 'provider_name'));
  if (after !== null) query = query.where(isBehind(sortedBy, 'id', after, descending));
  const rows = await query.execute();
  const page = pageOf(rows, limit, ({ id }) => id);
  return { rows: page.rows.map((row) => listed(row)), next: page.next };
}

/** What a list is sorted by. */
const sortKeys: Readonly<Record<ProviderSort, RawBuilder<string>>> = {
  slug: sql`provider_slug`,
  display_name: sql`display_name`,
  key_updated_at: microseconds('api_key_updated_at', 'as the first'),
  last_tested: microseconds('api_key_last_tested', 'as the first'),
};

function selectProviders(db: Kysely<Tables>) {
  return db
    .selectFrom('llm_providers')
    .leftJoin('keyward_provider_revisions', 'keyward_provider_revisions.provider_id', 'llm_providers.id')
    .selectAll('llm_providers')
    .select('keyward_provider_revisions.revision');
}

function listed(row: Selectable<LlmProvidersTable> & { revision: string | null }): ListedProvider {
  return { ...row, encrypted_api_key: row.encrypted_api_key || null, revision: Number(row.revision ?? 0) };
}
