/**
 * The table keyward_tokens. Holds hashes only: a token can be recognised and revoked, never read back.
 */
import { sql, type Kysely } from 'kysely';
import type { Occasion } from '../audit/audit-event.ts';
import type { AuditTrail, RecordEvent } from '../audit/audit-trail.ts';
import type { Tables } from '../database/tables.ts';
import type { Secret } from '../foundation/secret.ts';
import type { GoodTokens, TokenLimits } from './authenticate.ts';
import {
  isLimited,
  limitColumns,
  limitsOf,
  noLimits,
  showLimits,
  withChanges,
  writeLimits,
  type LimitChanges,
} from './token-limits.ts';
import { beginningOf, generateToken, hashToken, type AdminRole, type TokenKind } from './token.ts';

/** What the table itself says of a token. */
export interface TokenFacts {
  readonly id: number;
  readonly kind: TokenKind;
  readonly name: string;
  /** Of an admin token. */
  readonly role: AdminRole | null;
  readonly prefix: string;
  readonly createdAt: Date;
  /** Until when it is good; null for one that does not expire. */
  readonly expiresAt: Date | null;
  /** When it was presented last, to about a minute; of admin tokens only. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface StoredToken extends TokenFacts {
  /** Of an admin token always none. */
  readonly limits: TokenLimits;
}

export interface NewToken {
  readonly kind: TokenKind;
  readonly name: string;
  /** Of an admin token; admin where absent. */
  readonly role?: AdminRole;
  readonly expiresAt?: Date | null;
  /** Of a gateway token. */
  readonly limits?: LimitChanges;
}

export interface MadeToken extends StoredToken {
  /** The only copy. */
  readonly token: Secret;
}

/** What the column holds. */
export const longestTokenName = 200;

/**
 * Makes a token and stores its hash.
 * @throws KeywardError audit_unavailable (503)
 */
export async function createToken(
  audit: AuditTrail,
  occasion: Occasion,
  token: NewToken,
): Promise<MadeToken & { readonly revision: number }> {
  const { value, revision } = await audit.change(occasion, async (tx, record) =>
    addToken(tx, record, occasion, token),
  );
  return { ...value, revision };
}

async function addToken(
  tx: Kysely<Tables>,
  record: RecordEvent,
  occasion: Occasion,
  { kind, name, role = 'admin', expiresAt = null, limits: wanted = {} }: NewToken,
): Promise<MadeToken> {
  const token = generateToken(kind);
  const text = token.reveal();
  const row = await tx
    .insertInto('keyward_tokens')
    .values({
      kind,
      name,
      role: kind === 'admin' ? role : null,
      token_hash: hashToken(text),
      token_prefix: beginningOf(text),
      expires_at: expiresAt,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const limits = withChanges(noLimits, wanted);
  await writeLimits(tx, occasion, row.id, limits);
  record({
    action: 'token.created',
    target: targetOf(row.id),
    after: { ...describe(row), ...(isLimited(limits) && showLimits(limits)) },
  });
  return { ...storedToken(row), limits, token };
}

interface TokenRow {
  readonly id: number;
  readonly kind: TokenKind;
  readonly name: string;
  readonly role: AdminRole | null;
  readonly token_prefix: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}

/** A row in the words of this code, without what another table says of it. */
export function storedToken(row: TokenRow): TokenFacts {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    role: roleOf(row),
    prefix: row.token_prefix,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}

/** An admin token that was made before there were roles may do what it could do then. */
function roleOf({ kind, role }: Pick<TokenRow, 'kind' | 'role'>): AdminRole | null {
  return kind === 'admin' ? (role ?? 'admin') : null;
}

const targetOf = (id: number): { kind: string; id: string } => ({ kind: 'token', id: String(id) });

/** What the audit trail says of a token. */
function describe(row: Pick<TokenRow, 'kind' | 'name' | 'role' | 'expires_at'>): Record<string, unknown> {
  return {
    kind: row.kind,
    name: row.name,
    ...(row.kind === 'admin' && { role: roleOf(row) }),
    expires_at: row.expires_at,
  };
}

export type TokenState = 'good' | 'expired' | 'revoked';

export function stateOf({ revokedAt, expiresAt }: TokenFacts, now: Date): TokenState {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'good';
}

/** All tokens, oldest first, the revoked and expired ones too. */
export async function listTokens(db: Kysely<Tables>): Promise<StoredToken[]> {
  const rows = await db
    .selectFrom('keyward_tokens')
    .leftJoin('keyward_token_limits as limits', 'limits.token_id', 'keyward_tokens.id')
    .selectAll('keyward_tokens')
    .select(limitColumns)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ ...storedToken(row), limits: limitsOf(row) }));
}

/** Revokes by id. `found` is false when there is no such token; revoking twice keeps the first date. */
export async function revokeToken(
  audit: AuditTrail,
  occasion: Occasion,
  id: number,
): Promise<{ found: boolean; revision: number }> {
  const { value: found, revision } = await audit.change(occasion, async (tx, record) => {
    const row = await tx
      .selectFrom('keyward_tokens')
      .select(['kind', 'name', 'role', 'expires_at', 'revoked_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return false;
    if (row.revoked_at !== null) return true;
    await tx
      .updateTable('keyward_tokens')
      .set({ revoked_at: sql<Date>`now() AT TIME ZONE 'UTC'` })
      .where('id', '=', id)
      .execute();
    record({ action: 'token.revoked', target: targetOf(id), before: describe(row) });
    return true;
  });
  return { found, revision };
}

/** The tokens of this kind that are not revoked, each with the time at which it expires. */
export async function readGoodTokens(db: Kysely<Tables>, kind: TokenKind): Promise<GoodTokens> {
  const rows = await db
    .selectFrom('keyward_tokens')
    .leftJoin('keyward_token_limits as limits', 'limits.token_id', 'keyward_tokens.id')
    .select(limitColumns)
    .select(['token_id', 'id', 'name', 'token_hash', 'expires_at'])
    .where('kind', '=', kind)
    .where('revoked_at', 'is', null)
    .execute();
  return new Map(
    rows.map((row) => {
      const caller = {
        tokenId: row.id,
        name: row.name,
        limits: row.token_id === null ? null : limitsOf(row),
      };
      return [row.token_hash, { untilMs: row.expires_at?.getTime() ?? Infinity, caller }];
    }),
  );
}

/** The admin token with this hash, good or not. */
export async function findAdminToken(
  db: Kysely<Tables>,
  tokenHash: string,
): Promise<(TokenFacts & { readonly role: AdminRole }) | undefined> {
  const row = await db
    .selectFrom('keyward_tokens')
    .selectAll()
    .where('token_hash', '=', tokenHash)
    .where('kind', '=', 'admin')
    .executeTakeFirst();
  return row === undefined ? undefined : { ...storedToken(row), role: row.role ?? 'admin' };
}

/**
 * Notes that a token was presented, unless that was noted within the interval. No change of what is served,
 * so no new revision and no event.
 */
export async function noteTokenUse(
  db: Kysely<Tables>,
  id: number,
  usedAt: Date,
  intervalMs: number,
): Promise<void> {
  const before = new Date(usedAt.getTime() - intervalMs);
  await db
    .updateTable('keyward_tokens')
    .set({ last_used_at: usedAt })
    .where('id', '=', id)
    .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<=', before)]))
    .execute();
}

/**
 * Makes the first token of a kind, unless there ever was one: of any number of instances that start
 * at once, one makes it and the others get undefined. A first admin token has the role admin.
 */
export async function createFirstToken(
  db: Kysely<Tables>,
  audit: AuditTrail,
  occasion: Occasion,
  kind: TokenKind,
): Promise<Secret | undefined> {
  // Without the look before, a start that makes nothing would need the audit trail.
  if (await hasToken(db, kind)) return undefined;
  const { value } = await audit.change(occasion, async (tx, record) => {
    await sql`LOCK TABLE keyward_tokens IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
    if (await hasToken(tx, kind)) return undefined;
    return (await addToken(tx, record, occasion, { kind, name: 'first start' })).token;
  });
  return value;
}

async function hasToken(db: Kysely<Tables>, kind: TokenKind): Promise<boolean> {
  const found = await db
    .selectFrom('keyward_tokens')
    .select('id')
    .where('kind', '=', kind)
    .executeTakeFirst();
  return found !== undefined;
}
