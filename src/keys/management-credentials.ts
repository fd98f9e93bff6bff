/**
 * What is known of the management credentials wherever keys are taken or served: which they are, never what they
 * hold. A credential that makes and revokes keys is sent with no call of a caller, whatever is stored where.
 */
import type { Kysely } from 'kysely';
import type { KeyPlace } from '../crypto/key-binding.ts';
import type { Tables } from '../database/tables.ts';
import { KeywardError } from '../foundation/errors.ts';
import { describePlace, managementPlace } from './stored-key-place.ts';

/** By what a credential is recognised, with the management that it was stored for. */
export interface StoredCredential {
  readonly place: KeyPlace;
  readonly binding: string;
  readonly fingerprint: string;
}

export async function readManagementBindings(db: Kysely<Tables>): Promise<StoredCredential[]> {
  const rows = await db
    .selectFrom('keyward_management_keys')
    .innerJoin('llm_providers', 'llm_providers.id', 'keyward_management_keys.provider_id')
    .select(['provider_slug', 'keyward_management_keys.base_url', 'credential_binding', 'fingerprint'])
    .execute();
  return rows.map(({ provider_slug: slug, base_url: baseUrl, credential_binding: binding, fingerprint }) => ({
    place: managementPlace(slug, baseUrl),
    binding,
    fingerprint,
  }));
}

/** Why a key that is the credential of this management serves no calls, as a clause. */
export function whyNoKey(management: KeyPlace): string {
  return `is the credential of ${describePlace(management)}, which serves no calls,`;
}

/**
 * Refuses what is stored as a management credential, of whichever provider, where a key to serve is taken.
 * @param fingerprint of what was offered as a key
 * @throws KeywardError key_refused (400)
 */
export async function refuseCredential(db: Kysely<Tables>, fingerprint: string): Promise<void> {
  const row = await db
    .selectFrom('keyward_management_keys')
    .innerJoin('llm_providers', 'llm_providers.id', 'keyward_management_keys.provider_id')
    .select('provider_slug')
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirst();
  if (row === undefined) return;
  throw new KeywardError('key_refused', {
    message: `This is the management credential of ${row.provider_slug}: it makes and revokes keys, and serves no calls. Nothing was changed. Make a key of its own at the provider.`,
    param: 'api_key',
  });
}
