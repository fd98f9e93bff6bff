/** The table user_api_keys, in which users keep keys of their own: one for each user and provider. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

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

export interface ListedUserKey {
  readonly slug: string;
  readonly name: string | null;
  readonly mask: string;
  readonly isActive: boolean;
  readonly isValidated: boolean;
  /** What the last test or refusal said, without secrets. */
  readonly problem: string | null;
  readonly testedAt: Date | null;
  readonly createdAt: Date;
  readonly storedToken: string;
}

/** Those of one user, whether they may serve or not. */
export async function listUserKeys(db: Kysely<Tables>, owner: string): Promise<ListedUserKey[]> {
  const rows = await db
    .selectFrom('user_api_keys')
    .innerJoin('llm_providers', 'llm_providers.id', 'user_api_keys.provider_id')
    .select(['provider_slug', 'key_name', 'key_prefix', 'key_suffix', 'is_validated', 'validation_error'])
    .select(['last_validated_at', 'user_api_keys.created_at as created_at'])
    .select(['user_api_keys.is_active as is_active', 'user_api_keys.encrypted_api_key as stored_token'])
    .where('user_id', '=', owner)
    .orderBy('provider_slug')
    .execute();
  return rows.map((row) => ({
    slug: row.provider_slug,
    name: row.key_name,
    mask: `${row.key_prefix ?? ''}…${row.key_suffix ?? ''}`,
    isActive: row.is_active === true,
    isValidated: row.is_validated === true,
    problem: row.validation_error,
    testedAt: row.last_validated_at,
    createdAt: row.created_at,
    storedToken: row.stored_token,
  }));
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
