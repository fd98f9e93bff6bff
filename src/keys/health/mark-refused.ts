/** Marks the key of a provider that a call proved dead, before it is tested: audited, and only while it is that key. */
import type { Occasion } from '../../audit/audit-event.ts';
import { lockRow, storedKeyOf, type ChangeParts } from '../change-provider.ts';
import { noteHealth } from './note-health.ts';
import type { ClaimedRefusal } from './live-verdicts.ts';

/** A stored key gets api_key_test_status = invalid; one of the environment has no column, and is unhealthy. */
export async function markRefused(
  changes: ChangeParts,
  occasion: Occasion,
  { slug, fingerprint, verdict }: ClaimedRefusal,
  at: Date,
): Promise<void> {
  await changes.audit.change(occasion, async (tx, record) => {
    const row = await lockRow(tx, slug, {});
    if (row === undefined) return;
    const isStored = storedKeyOf(changes, row).fingerprint === fingerprint;
    const source = isStored ? 'database' : 'environment';
    if (isStored && row.api_key_test_status !== 'invalid') {
      await tx
        .updateTable('llm_providers')
        .set({ api_key_test_status: 'invalid' })
        .where('id', '=', row.id)
        .execute();
    }
    await noteHealth(tx, { slug, fingerprint }, { at });
    record({
      action: 'provider.key_refused',
      target: { kind: 'provider', id: slug },
      after: { fingerprint, source, verdict },
    });
  });
}
