/** Whether a rollback leaves a provider with a key: the old one by the rules by which it would serve, or the environment's. */
import type { Selectable } from 'kysely';
import type { LlmProvidersTable } from '../../database/tables.ts';
import type { Occasion } from '../../audit/audit-event.ts';
import { isProof } from '../../providers/verdict.ts';
import { askProvider } from '../ask-provider.ts';
import { recordTest, type ChangeParts } from '../change-provider.ts';
import { serveHere } from '../explain-key.ts';
import type { KeyActParts } from '../key-acts.ts';
import { findProvider } from '../list-providers.ts';
import { findRotation, type Rotation } from './rotation-store.ts';

type Row = Parameters<typeof serveHere>[0];

const patienceMs = 5_000;

/**
 * Asks the provider about the key that a rollback, or the end of a canary, leaves alone. Whoever does not answer in
 * five seconds keeps nobody from going back.
 * @returns why it is dead, in a sentence; null where that is not proven
 */
export async function whyOldKeyIsDead(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  id: string | undefined,
): Promise<string | null> {
  const row = await findProvider(parts.database.kysely, slug);
  const rotation =
    row && (await findRotation(parts.database.kysely, row.id, id === undefined ? 'open' : { id }));
  if (row === undefined || rotation === undefined) return null;
  if (rotation.step !== 'canary' && rotation.step !== 'soaking') return null;
  const { changes, config, clock } = parts;
  const served =
    rotation.step === 'canary'
      ? serveHere(row, { config, changes })
      : serveHere(asItWas(row, rotation), { config, changes });
  const { key, source } = served.resolution;
  if (key === null || source === null || 'problem' in served.upstream) return null;
  const asking = { clock, signal: AbortSignal.timeout(patienceMs) };
  const result = await askProvider(served, key, asking).catch(() => null);
  if (result === null || !isProof(result.verdict) || result.verdict === 'valid') return null;
  await recordTest(
    changes,
    occasion,
    slug,
    { fingerprint: changes.fingerprinter.of(key), source: 'candidate' },
    result,
  );
  return result.message;
}

/** @returns null where there is a key to go back to; else why there is none, as a clause */
export function whyNoWayBack(
  changes: ChangeParts,
  row: Row | Selectable<LlmProvidersTable>,
  rotation: Pick<Rotation, 'oldKey' | 'source_before'>,
): string | null {
  const { key, reason } = serveHere(asItWas(row, rotation), { config: changes.config, changes }).resolution;
  return key === null ? reason : null;
}

/** The provider with the old key in its place. */
function asItWas<Of extends Row>(
  row: Of,
  { oldKey, source_before: sourceBefore }: Pick<Rotation, 'oldKey' | 'source_before'>,
): Of {
  return {
    ...row,
    encrypted_api_key: oldKey?.encrypted_api_key ?? null,
    api_key_binding: oldKey?.api_key_binding ?? null,
    api_key_source: sourceBefore,
    // Whether it is dead, its provider has the last word on.
    api_key_test_status: null,
  };
}
