/**
 * The tables llm_providers and llm_models as the key rooms use them. Every write returns the revision
 * that its transaction made, as the triggers count it.
 */
import { sql, type Kysely, type Selectable, type UpdateObject } from 'kysely';
import type { LlmProvidersTable, Tables } from '../database/tables.ts';

export type ProviderRow = Pick<
  Selectable<LlmProvidersTable>,
  | 'provider_slug'
  | 'display_name'
  | 'base_url'
  | 'is_active'
  | 'encrypted_api_key'
  | 'api_key_source'
  | 'api_key_updated_at'
  | 'api_key_last_tested'
  | 'api_key_test_status'
>;

/** All providers, the inactive ones too, by slug. An empty key is no key, as the platform's own code has it. */
export async function readProviders(db: Kysely<Tables>): Promise<ProviderRow[]> {
  const rows = await db
    .selectFrom('llm_providers')
    .select([
      'provider_slug',
      'display_name',
      'base_url',
      'is_active',
      'encrypted_api_key',
      'api_key_source',
      'api_key_updated_at',
      'api_key_last_tested',
      'api_key_test_status',
    ])
    .orderBy('provider_slug')
    .execute();
  return rows.map((row) => ({ ...row, encrypted_api_key: row.encrypted_api_key || null }));
}

/** Names of the active models of active providers, each with its provider's slug; the lowest id wins a shared name. */
export async function readModels(db: Kysely<Tables>): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('llm_models')
    .innerJoin('llm_providers', 'llm_providers.id', 'llm_models.provider_id')
    .select(['model_id', 'model_name', 'provider_slug'])
    .where('llm_models.is_active', 'is not', false)
    .where('llm_providers.is_active', 'is', true)
    .orderBy('llm_models.id', 'desc')
    .execute();
  const byName = new Map(rows.map((row) => [row.model_name, row.provider_slug]));
  for (const row of rows) byName.set(row.model_id, row.provider_slug);
  return byName;
}

export async function readRevision(db: Kysely<Tables>): Promise<number> {
  const { revision } = await db.selectFrom('keyward_revision').select('revision').executeTakeFirstOrThrow();
  return Number(revision);
}

export interface EncryptedRow {
  /** Names the row to a person: a slug, or the number of a key that a user brought. */
  readonly name: string;
  readonly token: string;
}

/** Every stored Fernet token: system keys and the keys that users brought. */
export async function readEncryptedRows(db: Kysely<Tables>): Promise<EncryptedRow[]> {
  const { rows } = await sql<EncryptedRow>`
    SELECT provider_slug AS name, encrypted_api_key AS token FROM llm_providers WHERE encrypted_api_key <> ''
    UNION ALL
    SELECT 'user_api_keys ' || id, encrypted_api_key FROM user_api_keys`.execute(db);
  return rows;
}

/** The HMAC key of this installation's fingerprints. */
export async function readFingerprintKey(db: Kysely<Tables>): Promise<Buffer> {
  const row = await db.selectFrom('keyward_installation').select('fingerprint_key').executeTakeFirstOrThrow();
  return Buffer.from(row.fingerprint_key, 'hex');
}

export interface Written {
  readonly found: boolean;
  readonly revision: number;
}

/** Stores a Fernet token as the provider's key, untested. */
export async function storeKey(
  db: Kysely<Tables>,
  slug: string,
  token: string,
  source: string,
): Promise<Written> {
  return update(db, slug, {
    encrypted_api_key: token,
    api_key_source: source,
    api_key_updated_at: sql<Date>`now() AT TIME ZONE 'UTC'`,
    api_key_last_tested: null,
    api_key_test_status: 'untested',
  });
}

/** Removes the stored key; the source stays as it is. */
export async function removeKey(db: Kysely<Tables>, slug: string): Promise<Written> {
  return update(db, slug, {
    encrypted_api_key: null,
    api_key_updated_at: sql<Date>`now() AT TIME ZONE 'UTC'`,
    api_key_last_tested: null,
    api_key_test_status: null,
  });
}

export async function setSource(db: Kysely<Tables>, slug: string, source: string): Promise<Written> {
  return update(db, slug, { api_key_source: source });
}

/** Records a test of the stored key, unless the key has been replaced since it was read. */
export async function recordTest(
  db: Kysely<Tables>,
  slug: string,
  testedToken: string,
  result: { status: string; testedAt: Date },
): Promise<Written> {
  return update(
    db,
    slug,
    { api_key_test_status: result.status, api_key_last_tested: result.testedAt },
    testedToken,
  );
}

async function update(
  db: Kysely<Tables>,
  slug: string,
  values: UpdateObject<Tables, 'llm_providers'>,
  onlyWhileToken?: string,
): Promise<Written> {
  return db.transaction().execute(async (tx) => {
    let query = tx.updateTable('llm_providers').set(values).where('provider_slug', '=', slug);
    if (onlyWhileToken !== undefined) query = query.where('encrypted_api_key', '=', onlyWhileToken);
    const { numUpdatedRows } = await query.executeTakeFirst();
    // The revision is bumped at the end of the transaction; this is that end, but for the commit.
    await sql`SET CONSTRAINTS ALL IMMEDIATE`.execute(tx);
    return { found: numUpdatedRows > 0n, revision: await readRevision(tx) };
  });
}
