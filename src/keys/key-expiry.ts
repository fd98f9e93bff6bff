/** When a key ends, where its provider does not say: an administrator does, at the key or later. Never in the past. */
import type { Occasion } from '../audit/audit-event.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import { requireLockedRow, type Precondition } from './change-provider.ts';
import type { KeyActParts } from './key-acts.ts';
import { describeFoundVersions } from './rotation/found-versions.ts';
import { findActiveVersion } from './rotation/rotation-store.ts';

/** @throws KeywardError field_invalid (400) */
export function refusePastEnd(clock: Clock, expiresAt: Date | null | undefined): void {
  if (!expiresAt || expiresAt > clock.now()) return;
  throw new KeywardError('field_invalid', {
    message: `The key would have ended already, at ${expiresAt.toISOString()}. Nothing was changed.`,
    param: 'expires_at',
  });
}

export interface ExpirySet {
  readonly fingerprint: string | null;
  readonly mask: string | null;
  readonly revision: number;
}

/**
 * Says when the stored key ends; a later answer of its provider that says so itself goes before.
 * @param expiresAt null: it is not known to end
 * @throws KeywardError provider_not_found (404), key_not_found (404) where none is stored, field_invalid (400),
 *   revision_mismatch (412)
 */
export async function setKeyExpiry(
  { changes, clock }: Pick<KeyActParts, 'changes' | 'clock'>,
  occasion: Occasion,
  slug: string,
  { expiresAt, ifRevision }: { readonly expiresAt: Date | null } & Precondition,
): Promise<ExpirySet> {
  refusePastEnd(clock, expiresAt);
  const { value, revision } = await changes.audit.change(occasion, async (tx, record) => {
    const row = await requireLockedRow(tx, slug, { ifRevision });
    await describeFoundVersions(tx, changes, row.id);
    const active = await findActiveVersion(tx, row.id);
    if (active === undefined)
      throw new KeywardError('key_not_found', {
        message: `No key of ${slug} is stored, so there is none whose end could be noted. Nothing was changed.`,
      });
    // The same key may have been stored before: its end is one.
    await tx
      .updateTable('keyward_key_versions')
      .set({ expires_at: expiresAt })
      .where('provider_id', '=', row.id)
      .where((eb) =>
        eb.or([
          eb('id', '=', active.id),
          ...(active.fingerprint === null ? [] : [eb('fingerprint', '=', active.fingerprint)]),
        ]),
      )
      .execute();
    record({
      action: 'provider.changed',
      target: { kind: 'provider', id: slug },
      before: { key_expires_at: active.expires_at?.toISOString() ?? null },
      after: { key_expires_at: expiresAt?.toISOString() ?? null, of_key: active.fingerprint },
    });
    return { fingerprint: active.fingerprint, mask: active.mask };
  });
  return { ...value, revision };
}
