/**
 * Encrypts the stored keys of the providers anew, one provider a transaction: its active version changes with
 * it, and what was observed of the key stays, since the key is the same.
 */
import { sql, type Kysely } from 'kysely';
import { encryptionMark, markedKeyId } from '../../crypto/encryption-mark.ts';
import { DecryptError } from '../../crypto/fernet.ts';
import type { Tables } from '../../database/tables.ts';
import { lockRow, storedKeyOf, type LockedRow } from '../change-provider.ts';
import { recordedBinding } from '../known-bindings.ts';
import { placeOf } from '../stored-key-place.ts';
import { rebind } from './rebind.ts';
import type { Batch, ReencryptParts } from './reencrypt-column.ts';

/**
 * Every provider with a stored key that does not say that the active key encrypted it. Its active version counts
 * as a row of its own.
 */
export async function* reencryptProviders(parts: ReencryptParts): AsyncGenerator<Batch> {
  const { db, ring } = parts;
  const rows = await db
    .selectFrom('llm_providers')
    .select(['provider_slug', 'encrypted_api_key', 'encrypted_under'])
    .where('encrypted_api_key', '<>', '')
    .orderBy('id')
    .execute();
  for (const { provider_slug: slug, encrypted_api_key: token, encrypted_under: mark } of rows) {
    if (token === null || markedKeyId(mark, token) === ring.activeKeyId) continue;
    yield await reencryptProvider(parts, slug);
  }
}

async function reencryptProvider(
  { audit, ring, fingerprinter, occasion }: ReencryptParts,
  slug: string,
): Promise<Batch> {
  try {
    const { value: reencrypted } = await audit.change(occasion, async (tx, record) => {
      const row = await lockRow(tx, slug, {});
      if (row === undefined || !row.encrypted_api_key) return 0;
      const stored = { ...row, token: row.encrypted_api_key, binding: row.api_key_binding, slug };
      const { token, keyId } = ring.reencrypt(stored.token);
      const binding = rebind(ring, { column: 'api_key_binding', of: 'key', provider: 'id' }, stored);
      const versions = await write(tx, row, {
        token,
        binding,
        mark: encryptionMark(ring.activeKeyId, token),
      });
      if (keyId === ring.activeKeyId) return 0;
      record({
        action: 'provider.key_reencrypted',
        target: { kind: 'provider', id: slug },
        before: { encryption_key_id: keyId },
        after: {
          encryption_key_id: ring.activeKeyId,
          ...storedKeyOf({ ring, fingerprinter }, row),
          ...(binding !== null && recordedBinding(placeOf(row), binding)),
        },
      });
      return 1 + versions;
    });
    return { rows: 1, reencrypted, passedOver: 0, setAside: [] };
  } catch (error) {
    if (!(error instanceof DecryptError)) throw error;
    return {
      rows: 1,
      reencrypted: 0,
      passedOver: 0,
      setAside: [{ row: `llm_providers ${slug}`, why: error.message }],
    };
  }
}

/** @returns how many versions were the active one: one, where other programs left it alone */
async function write(
  tx: Kysely<Tables>,
  row: LockedRow,
  { token, binding, mark }: { token: string; binding: string | null; mark: string },
): Promise<number> {
  const same = { encrypted_api_key: token, encrypted_under: mark };
  // As text: a Date would round the times to milliseconds.
  const { rows: observed } = await sql<{ tested: string | null; updated: string | null }>`
    SELECT api_key_last_tested::text AS tested, api_key_updated_at::text AS updated
      FROM llm_providers WHERE id = ${row.id}`.execute(tx);
  const [{ tested, updated } = { tested: null, updated: null }] = observed;
  // The version first: a key that is not the active version would become a new one.
  const { numUpdatedRows } = await tx
    .updateTable('keyward_key_versions')
    .set({ ...same, api_key_binding: binding })
    .where('provider_id', '=', row.id)
    .where('state', '=', 'active')
    .where('encrypted_api_key', '=', row.encrypted_api_key)
    .executeTakeFirst();
  const update = tx.updateTable('llm_providers').where('id', '=', row.id);
  await update.set(same).execute();
  // By itself: to the triggers a new token is a new key, of which nothing is known.
  await update
    .set({
      api_key_binding: binding,
      api_key_test_status: row.api_key_test_status,
      api_key_last_tested: sql`${tested}::timestamp`,
      api_key_updated_at: sql`${updated}::timestamp`,
    })
    .execute();
  return Number(numUpdatedRows);
}
