/**
 * What the hot path needs of a rotation: the other key of a provider, and for which share of the calls it is
 * taken first. While the new key is tried the other is the new one, while it soaks the old one; each is the
 * fallback of the other.
 */
import type { Secret } from '../../foundation/secret.ts';
import type { ProviderRow } from '../provider-store.ts';
import type { KeySource, Resolution } from '../resolve-key.ts';
import type { Rotation } from './rotation-store.ts';

export type WhichKey = 'new' | 'old';

export interface KeyTrial {
  readonly rotationId: string;
  readonly stage: 'canary' | 'soak';
  readonly other: { readonly key: Secret; readonly source: KeySource };
  /** Between 0 and 1: how many of the calls begin with the other key. */
  readonly share: number;
}

/** @param resolve how a row is served; the other key is found by the same rules as the one that serves */
export function trialOf(
  row: ProviderRow,
  rotation: Rotation | undefined,
  resolve: (row: ProviderRow) => Resolution,
): KeyTrial | null {
  if (rotation === undefined) return null;
  const { id: rotationId, step, newKey, oldKey } = rotation;
  if (step !== 'canary' && step !== 'soaking') return null;
  const version = step === 'canary' ? newKey : oldKey;
  const { key, source } = resolve({
    ...row,
    encrypted_api_key: version?.encrypted_api_key ?? null,
    api_key_binding: version?.api_key_binding ?? null,
    api_key_source: step === 'canary' ? 'database' : rotation.source_before,
    // It is a fallback: its provider has the last word.
    api_key_test_status: null,
  });
  if (key === null || source === null) return null;
  return step === 'canary'
    ? { rotationId, stage: 'canary', other: { key, source }, share: Number(rotation.canary_percent) / 100 }
    : { rotationId, stage: 'soak', other: { key, source }, share: 0 };
}
