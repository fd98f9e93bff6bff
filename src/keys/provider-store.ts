/**
 * The tables llm_providers and llm_models as the key rooms read them. Writes go through change-provider.ts,
 * which audits them.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { LlmProvidersTable, Tables } from '../database/tables.ts';
import type { KnownModel } from './known-model.ts';

export type ProviderRow = Pick<
  Selectable<LlmProvidersTable>,
  | 'id'
  | 'provider_slug'
  | 'display_name'
  | 'base_url'
  | 'is_active'
  | 'encrypted_api_key'
  | 'api_key_source'
  | 'api_key_updated_at'
  | 'api_key_last_tested'
  | 'api_key_test_status'
  | 'api_key_binding'
  | 'allow_private_network'
  | 'request_headers'
  | 'is_byok_supported'
>;

/** All providers, the inactive ones too, by slug. An empty key is no key, as the platform's own code has it. */
export async function readProviders(db: Kysely<Tables>): Promise<ProviderRow[]> {
  const rows = await db
    .selectFrom('llm_providers')
    .select([
      'id',
      'provider_slug',
      'display_name',
      'base_url',
      'is_active',
      'encrypted_api_key',
      'api_key_source',
      'api_key_updated_at',
      'api_key_last_tested',
      'api_key_test_status',
      'api_key_binding',
      'allow_private_network',
      'request_headers',
      'is_byok_supported',
    ])
    .orderBy('provider_slug')
    .execute();
  return rows.map((row) => ({ ...row, encrypted_api_key: row.encrypted_api_key || null }));
}

export interface KnownModels {
  /** The active ones of active providers by both of their names; the lowest id wins a shared name. */
  readonly models: ReadonlyMap<string, KnownModel>;
  /** Those that are not active, as `provider/model`. */
  readonly off: ReadonlySet<string>;
}

function isOff({ is_active: isActive }: { is_active: boolean | null }): boolean {
  return isActive === false;
}

export async function readModels(db: Kysely<Tables>): Promise<KnownModels> {
  const rows = await db
    .selectFrom('llm_models')
    .innerJoin('llm_providers', 'llm_providers.id', 'llm_models.provider_id')
    .select(['model_id', 'model_name', 'provider_slug', 'llm_models.display_name', 'llm_models.is_active'])
    .where('llm_providers.is_active', 'is', true)
    .orderBy('llm_models.id', 'desc')
    .execute();
  const known = rows
    .filter((row) => !isOff(row))
    .map((row) => ({
      name: row.model_name,
      slug: row.provider_slug,
      modelId: row.model_id,
      displayName: row.display_name,
    }));
  return {
    models: new Map([
      ...known.map((model) => [model.name, model] as const),
      ...known.map((model) => [model.modelId, model] as const),
    ]),
    off: new Set(rows.filter(isOff).map((row) => `${row.provider_slug}/${row.model_id}`)),
  };
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
