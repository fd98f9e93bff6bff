/**
 * The table keyward_management_keys: the credentials that make and revoke keys. Each is bound to the management
 * of its provider at its host, a place that no provider key can have, and nothing that serves callers reads it.
 */
import type { Kysely } from 'kysely';
import { writtenBy, type Occasion } from '../../audit/audit-event.ts';
import { encryptMarked } from '../../crypto/encryption-mark.ts';
import { maskKey } from '../../crypto/fingerprint.ts';
import type { Tables } from '../../database/tables.ts';
import { shortened } from '../../foundation/shortened.ts';
import { moveRevision } from '../../database/revision.ts';
import { KeywardError } from '../../foundation/errors.ts';
import type { Secret } from '../../foundation/secret.ts';
import type { KeyManagement } from '../../providers/key-management.ts';
import { providerEntry } from '../../providers/registry.ts';
import { requireLockedRow } from '../change-provider.ts';
import { refuseForeignRing } from '../foreign-ring.ts';
import type { KeyActParts } from '../key-acts.ts';
import { recordedCredential } from '../known-bindings.ts';
import { readProviders } from '../provider-store.ts';
import { ownSecretIn } from '../offered-key.ts';
import { readStoredKey } from '../stored-key.ts';
import { managementPlace } from '../stored-key-place.ts';
import { checkAddress } from '../../foundation/outbound-address.ts';

export interface ManagementAccess {
  readonly management: KeyManagement;
  readonly baseUrl: string;
  readonly credential: Secret;
  readonly parameters: Readonly<Record<string, string>>;
  readonly allowPrivateNetwork: boolean;
}

interface ManagementRow {
  readonly id: number;
  readonly provider_slug: string;
  readonly allow_private_network: boolean;
}

export interface NewManagement {
  readonly credential: Secret;
  readonly baseUrl?: string | null | undefined;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/**
 * Looks at what is offered as a credential, before anybody is asked and again as it is stored.
 * @throws KeywardError management_unavailable (409), field_invalid (400)
 */
export async function checkManagement(
  db: Kysely<Tables>,
  { config, changes }: Pick<KeyActParts, 'config' | 'changes'>,
  row: ManagementRow,
  { credential, baseUrl = null, parameters = {} }: NewManagement,
): Promise<KeyManagement> {
  const { provider_slug: slug } = row;
  const management = requireManagement(slug);
  const ownSecret = ownSecretIn({ config, ring: changes.ring }, credential);
  if (ownSecret !== null) {
    throw new KeywardError('field_invalid', {
      message: `${ownSecret} Nothing was changed.`,
      param: 'credential',
    });
  }
  const missing = Object.entries(management.parameters).find(([name]) => !parameters[name]);
  if (missing !== undefined) {
    throw new KeywardError('field_invalid', {
      message: `${slug} also needs the parameter "${missing[0]}": ${missing[1]}. Nothing was changed.`,
      param: 'parameters',
    });
  }
  checkBaseUrl(changes.config.upstream.allowHttp, row, baseUrl ?? management.baseUrl);
  await refuseServingKey(db, { config, changes }, changes.fingerprinter.of(credential));
  return management;
}

/**
 * Stores the credential, in the place of one that was there.
 * @throws KeywardError provider_not_found (404), encryption_key_foreign (409), and what checkManagement throws
 */
export async function setManagement(
  { config, changes, database }: Pick<KeyActParts, 'config' | 'changes' | 'database'>,
  occasion: Occasion,
  slug: string,
  offered: NewManagement,
): Promise<void> {
  const { credential, baseUrl = null, parameters = {} } = offered;
  await refuseForeignRing(database, changes.ring);
  const { token, mark } = encryptMarked(changes.ring, credential);
  const shown = { fingerprint: changes.fingerprinter.of(credential), mask: maskKey(credential) };
  const place = managementPlace(slug, baseUrl);
  const binding = changes.ring.bind(credential, place);
  await changes.audit.change(occasion, async (tx, record, write) => {
    const row = await requireLockedRow(tx, slug);
    await checkManagement(tx, { config, changes }, row, offered);
    const values = {
      encrypted_credential: token,
      encrypted_under: mark,
      credential_binding: binding,
      ...shown,
      base_url: baseUrl,
      parameters: JSON.stringify(parameters),
      created_by: writtenBy(occasion),
    };
    await tx
      .insertInto('keyward_management_keys')
      .values({ provider_id: row.id, ...values })
      .onConflict((conflict) => conflict.column('provider_id').doUpdateSet(values))
      .execute();
    // Not by the name `fingerprint`: that says which provider key is stored.
    record({
      action: 'management.changed',
      target: { kind: 'provider', id: slug },
      after: {
        management_key: shown.fingerprint,
        management_mask: shown.mask,
        base_url: baseUrl,
        parameters,
        ...recordedCredential(place, binding),
      },
    });
    // Every server holds its keys against it: what is a credential serves nobody from now on.
    await write();
    await moveRevision(tx);
  });
}

/**
 * A key that serves here, or may again, is sent with calls of callers: it must not be able to make and revoke keys.
 * @throws KeywardError field_invalid (400)
 */
async function refuseServingKey(
  tx: Kysely<Tables>,
  { config, changes }: Pick<KeyActParts, 'config' | 'changes'>,
  fingerprint: string,
): Promise<void> {
  const rows = await readProviders(tx);
  const isStored = (token: string | null): boolean => {
    const read = token === null ? null : readStoredKey(token, changes.ring, changes.fingerprinter);
    return read !== null && 'key' in read && read.key.fingerprint === fingerprint;
  };
  const isSet = (slug: string): boolean => {
    const { apiKey } = config.provider(slug);
    return apiKey !== undefined && changes.fingerprinter.of(apiKey) === fingerprint;
  };
  const serving = rows.find((row) => isStored(row.encrypted_api_key) || isSet(row.provider_slug));
  const version = await tx
    .selectFrom('keyward_key_versions')
    .innerJoin('llm_providers', 'llm_providers.id', 'keyward_key_versions.provider_id')
    .select('provider_slug')
    .where('fingerprint', '=', fingerprint)
    .where('state', 'in', ['pending', 'active', 'previous'])
    .executeTakeFirst();
  const slug = serving?.provider_slug ?? version?.provider_slug;
  if (slug === undefined) return;
  throw new KeywardError('field_invalid', {
    message: `This key serves the callers of ${slug}, or is about to: a management credential has to be another one. Nothing was changed.`,
    param: 'credential',
  });
}

export interface ManagementRemoved {
  readonly removed: boolean;
  /** Names of the keys at the provider that nothing revokes from now on but a person. */
  readonly left: readonly string[];
}

/**
 * Removes the credential. What was made with it and lives on, nobody could revoke afterwards but a person.
 * @throws KeywardError provider_not_found (404), management_in_use (409) where made keys live and it is not
 *   forced, reason_required (400)
 */
export async function removeManagement(
  { changes }: Pick<KeyActParts, 'changes'>,
  occasion: Occasion,
  slug: string,
  { force = false }: { readonly force?: boolean | undefined } = {},
): Promise<ManagementRemoved> {
  const { value } = await changes.audit.change(occasion, async (tx, record, write) => {
    const row = await requireLockedRow(tx, slug);
    if ((await readManagement(tx, row.id)) === undefined) return { removed: false, left: [] };
    // Undone with all the rest where it is refused.
    const left = await leaveAlone(tx, row.id);
    if (left.length > 0 && !force) throw inUse(slug, left);
    if (left.length > 0 && !occasion.reason?.trim()) throw new KeywardError('reason_required');
    await tx.deleteFrom('keyward_management_keys').where('provider_id', '=', row.id).execute();
    record({
      action: 'management.changed',
      target: { kind: 'provider', id: slug },
      after: { management_key: null, ...(left.length > 0 && { forced: true, left_unrevoked: left }) },
    });
    await write();
    await moveRevision(tx);
    return { removed: true, left };
  });
  return value;
}

const leftAlone = 'The management credential was removed: revoke this key at the provider by hand.';

/**
 * Says so of what was made and is not known to be dead; also of a name under which a key may have come to be.
 * @returns their names
 */
async function leaveAlone(tx: Kysely<Tables>, providerId: number): Promise<string[]> {
  const rows = await tx
    .updateTable('keyward_key_versions')
    .set({ remark: leftAlone })
    .where('provider_id', '=', providerId)
    .where('minted_name', 'is not', null)
    .where('state', '<>', 'revoked')
    .returning(['id', 'minted_name'])
    .execute();
  return rows.toSorted((a, b) => Number(a.id) - Number(b.id)).flatMap(({ minted_name: name }) => name ?? []);
}

function inUse(slug: string, left: readonly string[]): KeywardError {
  const [they, are] = left.length === 1 ? ['This key', 'it'] : ['These keys', 'them'];
  return new KeywardError('management_in_use', {
    message: `${they}, made at ${slug} with this credential, may live there: ${shortened(left)}. Without it nothing revokes ${are} but a person. Nothing was changed. Rotate to a key of your own and sweep first, or go on with force and a reason.`,
  });
}

/**
 * What it takes to call the management of a provider; null where no credential is stored.
 * @throws KeywardError management_unavailable (409) where it cannot be used
 */
export async function openManagement(
  { database, changes }: Pick<KeyActParts, 'database' | 'changes'>,
  { id, provider_slug: slug, allow_private_network: allowPrivateNetwork }: ManagementRow,
): Promise<ManagementAccess | null> {
  const { management } = providerEntry(slug);
  const stored = await readManagement(database.kysely, id);
  if (management === undefined || stored === undefined) return null;
  const read = readStoredKey(stored.encrypted_credential, changes.ring, changes.fingerprinter);
  const isBound =
    'key' in read &&
    changes.ring.verifyBinding(
      stored.credential_binding,
      read.key,
      managementPlace(slug, stored.base_url),
    ) === 'good';
  if (!('key' in read) || !isBound) {
    throw new KeywardError('management_unavailable', {
      message: `The management credential of ${slug} cannot be used: ${'problem' in read ? read.problem : 'it is bound to another host'}. Enter it again.`,
    });
  }
  return {
    management,
    baseUrl: stored.base_url ?? management.baseUrl,
    credential: read.key,
    parameters: stored.parameters as Record<string, string>,
    allowPrivateNetwork,
  };
}

export async function readManagement(db: Kysely<Tables>, providerId: number) {
  return db
    .selectFrom('keyward_management_keys')
    .selectAll()
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
}

/** @throws KeywardError management_unavailable (409) with what a person does instead */
export function requireManagement(slug: string): KeyManagement {
  const { management, displayName } = providerEntry(slug);
  if (management !== undefined) return management;
  throw new KeywardError('management_unavailable', {
    message: `${displayName} has no API for keys that is known here: make the key there, begin a rotation with it, and revoke the old one there in the end.`,
  });
}

function checkBaseUrl(allowHttp: readonly string[], row: ManagementRow, baseUrl: string): void {
  const checked = checkAddress(baseUrl, 'base_url', {
    allowHttp,
    allowPrivateNetwork: row.allow_private_network,
  });
  if (!('problem' in checked)) return;
  // The provider's own setting holds for its management too.
  const howToAllow = checked.problem.endsWith('allow_private_network')
    ? ` of the provider (keyward providers change ${row.provider_slug} --private-network yes)`
    : '';
  throw new KeywardError('field_invalid', {
    message: `${checked.problem}${howToAllow}. Nothing was changed.`,
    param: 'base_url',
  });
}
