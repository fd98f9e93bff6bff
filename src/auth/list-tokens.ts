/** The tokens of the table keyward_tokens, a page of a filtered and sorted list at a time. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { isBehind, microseconds, pageOf, type Page, type PageWanted } from '../database/keyset.ts';
import type { Tables } from '../database/tables.ts';
import { holdsText } from '../database/text-filter.ts';
import { limitColumns, limitsOf } from './token-limits.ts';
import { storedToken, type StoredToken, type TokenState } from './token-store.ts';
import type { TokenKind } from './token.ts';

export const tokenSorts = ['id', 'name', 'created_at', 'expires_at', 'last_used_at'] as const;

export type TokenSort = (typeof tokenSorts)[number];

interface TokenFilter {
  readonly kind?: TokenKind | undefined;
  readonly state?: TokenState | undefined;
  /** Part of the name, in any case. */
  readonly text?: string | undefined;
}

export interface TokenList extends PageWanted<TokenSort> {
  readonly filter: TokenFilter;
  /** By which it is told whether a token has expired. */
  readonly now: Date;
}

export async function pageOfTokens(db: Kysely<Tables>, list: TokenList): Promise<Page<StoredToken>> {
  const { filter, after, limit, descending } = list;
  const sortedBy = sortKeys[list.sort];
  const direction = descending ? 'desc' : 'asc';
  let query = db
    .selectFrom('keyward_tokens')
    .leftJoin('keyward_token_limits as limits', 'limits.token_id', 'keyward_tokens.id')
    .selectAll('keyward_tokens')
    .select(limitColumns)
    .select(sql<string>`(${sortedBy})::text`.as('sorted_by'))
    .orderBy(sortedBy, direction)
    .orderBy('id', direction)
    .limit(limit + 1);
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (filter.state !== undefined) query = query.where(isIn(filter.state, list.now));
  if (filter.text !== undefined) query = query.where(holdsText(filter.text, 'name'));
  if (after !== null) query = query.where(isBehind(sortedBy, 'id', after, descending));
  const page = pageOf(await query.execute(), limit, ({ id }) => id);
  return { rows: page.rows.map((row) => ({ ...storedToken(row), limits: limitsOf(row) })), next: page.next };
}

const sortKeys: Readonly<Record<TokenSort, RawBuilder<string>>> = {
  id: sql`id`,
  name: sql`name`,
  created_at: microseconds('created_at', 'as the first'),
  expires_at: microseconds('expires_at', 'as the last'),
  last_used_at: microseconds('last_used_at', 'as the first'),
};

/** As stateOf tells it of one token. */
function isIn(state: TokenState, now: Date): RawBuilder<boolean> {
  if (state === 'revoked') return sql<boolean>`revoked_at IS NOT NULL`;
  const isGood = sql<boolean>`(expires_at IS NULL OR expires_at > ${now})`;
  return state === 'good'
    ? sql<boolean>`revoked_at IS NULL AND ${isGood}`
    : sql<boolean>`revoked_at IS NULL AND NOT ${isGood}`;
}
