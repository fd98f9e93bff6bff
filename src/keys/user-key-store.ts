/** The table user_api_keys, in which users keep keys of their own: one for each user and provider. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { isBehind, microseconds, pageOf, type Page, type PageWanted } from '../database/keyset.ts';
import type { Tables } from '../database/tables.ts';
import { holdsText } from '../database/text-filter.ts';
import { quotable } from '../providers/redact.ts';

export interface UserKeyRow {
  readonly id: number;
  readonly user_id: string;
  readonly provider_slug: string;
  readonly encrypted_api_key: string;
}

/** Those that may serve: active ones, of active providers that take keys of users. */
export async function readUserKeys(db: Kysely<Tables>): Promise<UserKeyRow[]> {
  return db
    .selectFrom('user_api_keys')
    .innerJoin('llm_providers', 'llm_providers.id', 'user_api_keys.provider_id')
    .select(['user_api_keys.id', 'user_id', 'provider_slug', 'user_api_keys.encrypted_api_key'])
    .where('user_api_keys.is_active', 'is', true)
    .where('llm_providers.is_active', 'is', true)
    .where('llm_providers.is_byok_supported', 'is', true)
    .orderBy('user_api_keys.id')
    .execute();
}

/** What is shown of a key, to its owner and to administrators. */
export interface ShownUserKey {
  readonly slug: string;
  readonly name: string | null;
  readonly mask: string;
  readonly isActive: boolean;
  readonly isValidated: boolean;
  /** What the last test or refusal said, without secrets. */
  readonly problem: string | null;
  readonly testedAt: Date | null;
  readonly createdAt: Date;
}

export interface ListedUserKey extends ShownUserKey {
  readonly storedToken: string;
}

const shownColumns = [
  'provider_slug',
  'key_name',
  'key_prefix',
  'key_suffix',
  'is_validated',
  'validation_error',
  'last_validated_at',
  'user_api_keys.created_at as created_at',
  'user_api_keys.is_active as is_active',
] as const;

interface ShownRow {
  readonly provider_slug: string;
  readonly key_name: string | null;
  readonly key_prefix: string | null;
  readonly key_suffix: string | null;
  readonly is_active: boolean | null;
  readonly is_validated: boolean | null;
  readonly validation_error: string | null;
  readonly last_validated_at: Date | null;
  readonly created_at: Date;
}

function shown(row: ShownRow): ShownUserKey {
  return {
    slug: row.provider_slug,
    name: quoted(row.key_name),
    mask: maskIn(row),
    isActive: row.is_active === true,
    isValidated: row.is_validated === true,
    problem: quoted(row.validation_error),
    testedAt: row.last_validated_at,
    createdAt: row.created_at,
  };
}

/** As maskKey makes it. Other programs write here too, and the columns could hold all of a short key. */
function maskIn({
  key_prefix: prefix,
  key_suffix: suffix,
}: Pick<ShownRow, 'key_prefix' | 'key_suffix'>): string {
  return `${(prefix ?? '').slice(0, 7)}…${(suffix ?? '').slice(-4)}`;
}

const longestQuoted = 500;

function quoted(text: string | null): string | null {
  return text === null ? null : quotable(text, [], longestQuoted) || null;
}

/** Those of one user, whether they may serve or not. */
export async function listUserKeys(db: Kysely<Tables>, owner: string): Promise<ListedUserKey[]> {
  const rows = await db
    .selectFrom('user_api_keys')
    .innerJoin('llm_providers', 'llm_providers.id', 'user_api_keys.provider_id')
    .select(shownColumns)
    .select('user_api_keys.encrypted_api_key as stored_token')
    .where('user_id', '=', owner)
    .orderBy('provider_slug')
    .execute();
  return rows.map((row) => ({ ...shown(row), storedToken: row.stored_token }));
}

/** A key as administrators see it: whose it is, and never what it is. */
export interface OwnedUserKey extends ShownUserKey {
  readonly id: number;
  readonly owner: string;
  /** When it was put in the place of another; null for a first one. */
  readonly replacedAt: Date | null;
}

export const userKeySorts = ['owner', 'created_at', 'last_validated_at'] as const;

export type UserKeySort = (typeof userKeySorts)[number];

export interface UserKeyFilter {
  readonly owner?: string | undefined;
  readonly provider?: string | undefined;
  /** Part of the owner or of the name of the key, in any case. */
  readonly text?: string | undefined;
}

export interface UserKeyList extends PageWanted<UserKeySort> {
  readonly filter: UserKeyFilter;
}

/** Those of all users, of those providers too that take none any more. */
export async function pageOfUserKeys(db: Kysely<Tables>, list: UserKeyList): Promise<Page<OwnedUserKey>> {
  const { filter, after, limit, descending } = list;
  const sortedBy = sortKeys[list.sort];
  const direction = descending ? 'desc' : 'asc';
  let query = selectOwned(db, filter)
    .select(sql<string>`(${sortedBy})::text`.as('sorted_by'))
    .orderBy(sortedBy, direction)
    .orderBy('user_api_keys.id', direction)
    .limit(limit + 1);
  if (after !== null) query = query.where(isBehind(sortedBy, 'user_api_keys.id', after, descending));
  const page = pageOf(await query.execute(), limit, ({ id }) => id);
  return { rows: page.rows.map((row) => owned(row)), next: page.next };
}

/** All of them at once, by owner and provider. */
export async function allUserKeys(db: Kysely<Tables>, filter: UserKeyFilter): Promise<OwnedUserKey[]> {
  const rows = await selectOwned(db, filter).orderBy('user_id').orderBy('provider_slug').execute();
  return rows.map((row) => owned(row));
}

/** @returns undefined where there is none */
export async function findUserKey(db: Kysely<Tables>, id: number): Promise<OwnedUserKey | undefined> {
  const row = await selectOwned(db, {}).where('user_api_keys.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : owned(row);
}

const sortKeys: Readonly<Record<UserKeySort, RawBuilder<string>>> = {
  owner: sql`user_id`,
  created_at: microseconds('user_api_keys.created_at', 'as the first'),
  last_validated_at: microseconds('last_validated_at', 'as the first'),
};

function selectOwned(db: Kysely<Tables>, { owner, provider, text }: UserKeyFilter) {
  let query = db
    .selectFrom('user_api_keys')
    .innerJoin('llm_providers', 'llm_providers.id', 'user_api_keys.provider_id')
    .select(shownColumns)
    .select(['user_api_keys.id as id', 'user_id', 'last_rotated_at']);
  if (owner !== undefined) query = query.where('user_id', '=', owner);
  if (provider !== undefined) query = query.where('provider_slug', '=', provider);
  if (text !== undefined) query = query.where(holdsText(text, 'user_id', 'key_name'));
  return query;
}

interface OwnedRow extends ShownRow {
  readonly id: number;
  readonly user_id: string;
  readonly last_rotated_at: Date | null;
}

function owned(row: OwnedRow): OwnedUserKey {
  return { ...shown(row), id: row.id, owner: row.user_id, replacedAt: row.last_rotated_at };
}

/** What an event of the trail is about. */
export function userKeyTarget(owner: string, slug: string): { kind: string; id: string } {
  return { kind: 'user_key', id: `${owner} ${slug}` };
}

export interface NewUserKey {
  readonly owner: string;
  readonly providerId: number;
  readonly name: string | null;
  readonly token: string;
  readonly mark: string;
  /** `first 7…last 4` */
  readonly mask: string;
  readonly address: string | null;
}

const now = sql<Date>`now() AT TIME ZONE 'UTC'`;

/** Stores a key in the place of the one that the user has there. @returns whether there was one */
export async function putUserKey(tx: Kysely<Tables>, key: NewUserKey, verdict: Validation): Promise<boolean> {
  const [prefix = '', suffix = ''] = key.mask.split('…');
  const values = {
    key_name: key.name,
    encrypted_api_key: key.token,
    encrypted_under: key.mark,
    key_prefix: prefix,
    key_suffix: suffix,
    is_active: true,
    ...validated(verdict),
  };
  const place = { user_id: key.owner, provider_id: key.providerId };
  const replaced = await tx
    .updateTable('user_api_keys')
    .set({ ...values, last_rotated_at: now })
    .where('user_id', '=', place.user_id)
    .where('provider_id', '=', place.provider_id)
    .executeTakeFirst();
  if (replaced.numUpdatedRows > 0n) return true;
  await tx
    .insertInto('user_api_keys')
    .values({ ...place, ...values, created_ip: key.address })
    .execute();
  return false;
}

/** @returns whether there was one */
export async function deleteUserKey(tx: Kysely<Tables>, owner: string, providerId: number): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('user_api_keys')
    .where('user_id', '=', owner)
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** @returns what it was; undefined where there is none */
export async function deleteUserKeyById(tx: Kysely<Tables>, id: number): Promise<OwnedUserKey | undefined> {
  const row = await selectOwned(tx, {})
    .where('user_api_keys.id', '=', id)
    .forUpdate('user_api_keys')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  await tx.deleteFrom('user_api_keys').where('id', '=', id).execute();
  return owned(row);
}

export interface Validation {
  readonly isValid: boolean;
  /** Without secrets; null where it is valid. */
  readonly problem: string | null;
  readonly at: Date;
}

/** @param storedToken says nothing of a key that was stored since. @returns whether it is that one still */
export async function noteValidation(
  tx: Kysely<Tables>,
  storedToken: string,
  verdict: Validation,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('user_api_keys')
    .set(validated(verdict))
    .where('encrypted_api_key', '=', storedToken)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

function validated({ isValid, problem, at }: Validation) {
  return { is_validated: isValid, validation_error: problem, last_validated_at: at };
}
