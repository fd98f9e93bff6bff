/**
 * Takes a key for a provider: refuses what cannot be one, asks the provider, and stores it unless it was
 * proven dead. Whatever is no proof lets it in, and is said.
 */
import { maskKey } from '../crypto/fingerprint.ts';
import type { Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { isProof } from '../providers/verdict.ts';
import { askProvider, type Asking } from './ask-provider.ts';
import { recordTest, refuseNewer, storeKey, type Precondition } from './change-provider.ts';
import { serveHere } from './explain-key.ts';
import { refuseForeignRing } from './foreign-ring.ts';
import { occasionWithout, type KeyActParts } from './key-acts.ts';
import { refusePastEnd } from './key-expiry.ts';
import { findProvider, type ListedProvider } from './list-providers.ts';
import { refuseCredential } from './management-credentials.ts';
import { describeOfferedKey } from './offered-key.ts';
import type { ProviderRow } from './provider-store.ts';
import { describeEndedRotation } from './rotation/ended-rotation.ts';
import { readStoredKey } from './stored-key.ts';
import type { KeyTestResult } from './test-key.ts';

export interface OfferedKey extends Precondition, Omit<Asking, 'clock'> {
  readonly key: Secret;
  /** Where the key is to be found from now on; absent: where this one serves. */
  readonly source?: string | undefined;
  /** Stores the key without asking the provider. */
  readonly skipTest?: boolean | undefined;
  /** When the key ends, where the provider does not say. */
  readonly expiresAt?: Date | undefined;
}

export interface KeySet {
  readonly found: boolean;
  readonly revision: number;
  readonly source: string;
  readonly mask: string;
  readonly fingerprint: string;
  /** What is worth knowing and stopped nothing. */
  readonly warnings: readonly string[];
  /** What the provider said; null where it was not asked. */
  readonly test: KeyTestResult | null;
}

/** Somebody who stores a key wants it used; hybrid uses it already. Decision 4. */
export function sourceThatServes({ api_key_source: source }: Pick<ProviderRow, 'api_key_source'>): string {
  return source === 'hybrid' ? 'hybrid' : 'database';
}

/**
 * Looks at the key itself, before anybody is asked.
 * @returns what is unusual about it
 * @throws KeywardError key_refused (400) with a sentence that holds no part of the key
 */
export async function checkKey(
  { config, changes, database }: KeyActParts,
  slug: string,
  key: Secret,
): Promise<string[]> {
  const { refusal, warning } = describeOfferedKey({ config, ring: changes.ring }, slug, key);
  if (refusal !== undefined) {
    throw new KeywardError('key_refused', { message: `${refusal} Nothing was changed.`, param: 'api_key' });
  }
  await refuseCredential(database.kysely, changes.fingerprinter.of(key));
  return warning === undefined ? [] : [warning];
}

/**
 * @throws KeywardError key_refused, field_invalid (400), encryption_key_foreign (409), key_proven_dead (422), and what
 *   askProvider and storeKey throw; then nothing was stored
 */
export async function setKey(
  parts: KeyActParts,
  occasionOfCaller: Occasion,
  row: ListedProvider,
  { key, source: wanted, skipTest = false, expiresAt, ifRevision, ...asking }: OfferedKey,
): Promise<KeySet> {
  const { provider_slug: slug } = row;
  const { ring, fingerprinter } = parts.changes;
  refusePastEnd(parts.clock, expiresAt);
  const occasion = occasionWithout(key, occasionOfCaller);
  const source = wanted ?? sourceThatServes(row);
  const warnings = [...(await checkKey(parts, slug, key)), ...whyItWillNotServe(row, source)];
  await refuseForeignRing(parts.database, ring);
  const ended = await describeEndedRotation(parts.database.kysely, row.id);
  if (ended !== null) warnings.push(ended);
  // A change that cannot happen asks no provider; asked again under the lock of the row.
  if (ifRevision !== undefined) await refuseNewer(parts.database.kysely, row, ifRevision);
  const fingerprint = fingerprinter.of(key);
  const recordCandidate = async (test: KeyTestResult): Promise<unknown> =>
    recordTest(parts.changes, occasion, slug, { fingerprint, source: 'candidate' }, test);

  const served = serveHere(row, parts);
  let test: KeyTestResult | null = null;
  if (!skipTest && 'problem' in served.upstream) {
    warnings.push(`The key was not tested: ${served.upstream.problem}.`);
  } else if (!skipTest) {
    test = await askProvider(served, key, { clock: parts.clock, ...asking });
    if (test.unfit) {
      await recordCandidate(test);
      throw new KeywardError('key_refused', {
        message: `${test.message} Nothing was changed. ${test.advice}`,
        param: 'api_key',
      });
    }
    if (isProof(test.verdict) && test.verdict !== 'valid') {
      await recordCandidate(test);
      throw new KeywardError('key_proven_dead', {
        message: `The key is ${test.verdict}: ${test.message} Nothing was changed. ${test.advice}`,
        param: 'api_key',
      });
    }
  }
  try {
    const written = await storeKey(parts.changes, occasion, slug, { key, source, expiresAt, ifRevision });
    const tested =
      test !== null && written.found ? await recordStored(parts, occasion, slug, fingerprint, test) : null;
    return { ...written, ...tested, source, mask: maskKey(key), fingerprint, warnings, test };
  } catch (error) {
    // The provider was asked, and every test is on record.
    if (test !== null && error instanceof KeywardError && error.status === 412) await recordCandidate(test);
    throw error;
  }
}

function whyItWillNotServe(row: ListedProvider, source: string): string[] {
  return [
    ...(source === 'environment' ? ['The key does not serve: the source is environment.'] : []),
    ...(row.is_active === true ? [] : ['The provider is not active, so nobody is served by it.']),
  ];
}

/** The row takes the result only while it still holds the key that was tested. */
async function recordStored(
  { database, changes }: KeyActParts,
  occasion: Occasion,
  slug: string,
  fingerprint: string,
  test: KeyTestResult,
): Promise<{ revision: number }> {
  const token = (await findProvider(database.kysely, slug))?.encrypted_api_key ?? null;
  const stored = token === null ? null : readStoredKey(token, changes.ring, changes.fingerprinter);
  const isStill = stored !== null && 'key' in stored && stored.key.fingerprint === fingerprint;
  const { revision } = await recordTest(
    changes,
    occasion,
    slug,
    isStill && token !== null
      ? { fingerprint, source: 'database', storedToken: token }
      : { fingerprint, source: 'candidate' },
    test,
  );
  return { revision };
}
