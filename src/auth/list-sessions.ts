/** Which rows of keyward_sessions are sessions that hold, and a page of a filtered and sorted list of them. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { isBehind, microseconds, pageOf, type Page, type PageWanted } from '../database/keyset.ts';
import type { Tables } from '../database/tables.ts';
import { holdsText } from '../database/text-filter.ts';
import type { SignInMethod } from './admin-identity.ts';
import type { AdminRole } from './token.ts';

/** By what it is told whether a session holds. */
export interface SessionLife {
  readonly now: Date;
  /** One that was not seen since then has ended. */
  readonly usedAfter: Date;
  readonly signOnIsOn: boolean;
  readonly hasBootstrapToken: boolean;
}

export interface SessionRow {
  readonly id_hash: string;
  readonly public_id: string;
  readonly method: SignInMethod;
  readonly token_id: number | null;
  readonly subject: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly created_at: Date;
  readonly last_seen_at: Date;
  readonly expires_at: Date;
}

/** Of the token that a session was begun with. */
export interface TokenOfSession {
  readonly token_role: AdminRole | null;
}

/** A session holds no longer than what it was begun with: its token, the bootstrap token, single sign-on. */
export function liveSessions(db: Kysely<Tables>, life: SessionLife) {
  const { now, usedAfter, signOnIsOn, hasBootstrapToken } = life;
  return db
    .selectFrom('keyward_sessions')
    .leftJoin('keyward_tokens', 'keyward_tokens.id', 'keyward_sessions.token_id')
    .selectAll('keyward_sessions')
    .select('keyward_tokens.role as token_role')
    .where('keyward_sessions.expires_at', '>', now)
    .where('keyward_sessions.last_seen_at', '>', usedAfter)
    .where(
      sql<boolean>`CASE
        WHEN keyward_sessions.method = 'oidc' THEN ${signOnIsOn}::boolean
        WHEN keyward_sessions.token_id IS NULL THEN ${hasBootstrapToken}::boolean
        ELSE keyward_tokens.revoked_at IS NULL
         AND (keyward_tokens.expires_at IS NULL OR keyward_tokens.expires_at > ${now}) END`,
    );
}

export const sessionSorts = ['started_at', 'last_seen_at', 'expires_at', 'name'] as const;

export type SessionSort = (typeof sessionSorts)[number];

interface SessionFilter {
  readonly method?: SignInMethod | undefined;
  readonly role?: AdminRole | undefined;
  /** Part of the name or the address, in any case. */
  readonly text?: string | undefined;
}

export interface SessionList extends PageWanted<SessionSort, string> {
  readonly filter: SessionFilter;
}

export async function pageOfSessions(
  db: Kysely<Tables>,
  life: SessionLife,
  list: SessionList,
): Promise<Page<SessionRow & TokenOfSession, string>> {
  const { filter, after, limit, descending } = list;
  const sortedBy = sortKeys[list.sort];
  const direction = descending ? 'desc' : 'asc';
  let query = liveSessions(db, life)
    .select(sql<string>`(${sortedBy})::text`.as('sorted_by'))
    .orderBy(sortedBy, direction)
    .orderBy('public_id', direction)
    .limit(limit + 1);
  if (filter.method !== undefined) query = query.where('method', '=', filter.method);
  if (filter.role !== undefined) query = query.where(currentRole, '=', filter.role);
  if (filter.text !== undefined)
    query = query.where(holdsText(filter.text, 'keyward_sessions.name', 'address'));
  if (after !== null) query = query.where(isBehind(sortedBy, 'public_id', after, descending));
  return pageOf(await query.execute(), limit, ({ public_id: id }) => id);
}

const sortKeys: Readonly<Record<SessionSort, RawBuilder<string>>> = {
  started_at: microseconds('keyward_sessions.created_at', 'as the first'),
  last_seen_at: microseconds('keyward_sessions.last_seen_at', 'as the first'),
  expires_at: microseconds('keyward_sessions.expires_at', 'as the first'),
  name: sql`keyward_sessions.name`,
};

/** Whoever takes the role of a token back takes it from its sessions too. */
const currentRole = sql<AdminRole>`CASE WHEN keyward_sessions.role = 'admin' AND keyward_tokens.role IS DISTINCT FROM 'viewer'
  THEN 'admin' ELSE 'viewer' END`;
