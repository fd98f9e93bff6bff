/**
 * The table keyward_tokens. Holds hashes only: a token can be recognised and revoked, never read back.
 */
import { sql, type Kysely } from 'kysely';
import type { Occasion } from '../audit/audit-event.ts';
import type { AuditTrail, RecordEvent } from '../audit/audit-trail.ts';
import type { Tables } from '../database/tables.ts';
import type { Secret } from '../foundation/secret.ts';
import { generateToken, hashToken, type TokenKind } from './token.ts';

export interface StoredToken {
  readonly id: number;
  readonly kind: TokenKind;
  readonly name: string;
  readonly prefix: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

const shownCharacters = 10;

export interface NewToken {
  readonly kind: TokenKind;
  readonly name: string;
}

/**
 * Makes a token and stores its hash; the returned secret is the only copy.
 * @throws KeywardError audit_unavailable (503)
 */
export async function createToken(
  audit: AuditTrail,
  occasion: Occasion,
  token: NewToken,
): Promise<{ id: number; token: Secret; revision: number }> {
  const { value, revision } = await audit.change(occasion, async (tx, record) => addToken(tx, record, token));
  return { ...value, revision };
}

async function addToken(
  tx: Kysely<Tables>,
  record: RecordEvent,
  { kind, name }: NewToken,
): Promise<{ id: number; token: Secret }> {
  const token = generateToken(kind);
  const text = token.reveal();
  const { id } = await tx
    .insertInto('keyward_tokens')
    .values({ kind, name, token_hash: hashToken(text), token_prefix: text.slice(0, shownCharacters) })
    .returning('id')
    .executeTakeFirstOrThrow();
  record({ action: 'token.created', target: { kind: 'token', id: String(id) }, after: { kind, name } });
  return { id, token };
}

/** All tokens, oldest first, the revoked ones too. */
export async function listTokens(db: Kysely<Tables>): Promise<StoredToken[]> {
  const rows = await db.selectFrom('keyward_tokens').selectAll().orderBy('id').execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    name: row.name,
    prefix: row.token_prefix,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
  }));
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
      .select(['kind', 'name', 'revoked_at'])
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
    record({
      action: 'token.revoked',
      target: { kind: 'token', id: String(id) },
      before: { kind: row.kind, name: row.name },
    });
    return true;
  });
  return { found, revision };
}

/** The hashes of the tokens of this kind that are good now. */
export async function readGoodHashes(db: Kysely<Tables>, kind: TokenKind): Promise<Set<string>> {
  const rows = await db
    .selectFrom('keyward_tokens')
    .select('token_hash')
    .where('kind', '=', kind)
    .where('revoked_at', 'is', null)
    .execute();
  return new Set(rows.map((row) => row.token_hash));
}

/**
 * Makes the first token of a kind, unless there ever was one: of any number of instances that start
 * at once, one makes it and the others get undefined.
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
    return (await addToken(tx, record, { kind, name: 'first start' })).token;
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
