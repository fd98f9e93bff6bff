/**
 * The table keyward_tokens. Holds hashes only: a token can be recognised and revoked, never read back.
 */
import { sql, type Kysely } from 'kysely';
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

/** Makes a token and stores its hash; the returned secret is the only copy. */
export async function createToken(
  db: Kysely<Tables>,
  kind: TokenKind,
  name: string,
): Promise<{ id: number; token: Secret }> {
  const token = generateToken(kind);
  const text = token.reveal();
  const { id } = await db
    .insertInto('keyward_tokens')
    .values({ kind, name, token_hash: hashToken(text), token_prefix: text.slice(0, shownCharacters) })
    .returning('id')
    .executeTakeFirstOrThrow();
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

/** Revokes by id. Returns false when there is no such token; revoking twice keeps the first date. */
export async function revokeToken(db: Kysely<Tables>, id: number): Promise<boolean> {
  const result = await db
    .updateTable('keyward_tokens')
    .set({ revoked_at: sql<Date>`COALESCE(revoked_at, now() AT TIME ZONE 'UTC')` })
    .where('id', '=', id)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
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
export async function createFirstToken(db: Kysely<Tables>, kind: TokenKind): Promise<Secret | undefined> {
  return db.transaction().execute(async (tx) => {
    await sql`LOCK TABLE keyward_tokens IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
    const found = await tx
      .selectFrom('keyward_tokens')
      .select('id')
      .where('kind', '=', kind)
      .executeTakeFirst();
    if (found !== undefined) return undefined;
    return (await createToken(tx, kind, 'first start')).token;
  });
}
