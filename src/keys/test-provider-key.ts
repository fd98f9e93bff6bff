/** Has the key that serves a provider, or one that somebody offers, tested there, and records what was said. */
import { maskKey } from '../crypto/fingerprint.ts';
import type { Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { askableUpstream, askProvider, type Alongside, type Asking } from './ask-provider.ts';
import { recordTest, type TestedKey } from './change-provider.ts';
import { serveHere } from './explain-key.ts';
import type { KeyActParts } from './key-acts.ts';
import type { ProviderRow } from './provider-store.ts';
import { checkKey } from './set-key.ts';
import type { KeyTestResult } from './test-key.ts';

export interface KeyTested {
  readonly result: KeyTestResult;
  readonly source: TestedKey['source'];
  readonly fingerprint: string;
  readonly mask: string;
  readonly warnings: readonly string[];
  readonly revision: number;
}

/**
 * What is asked after the free call; gives the result that counts.
 * @param spend makes a chat of one token with that model
 */
export type AskFurther = (
  free: KeyTestResult,
  spend: (model: string) => Promise<KeyTestResult>,
) => Promise<KeyTestResult>;

/**
 * Tests the key that serves the provider from here.
 * @param alongside done in the transaction that records the test
 * @throws KeywardError key_not_found (404), and what askProvider and recordTest throw
 */
export async function testServingKey(
  parts: KeyActParts,
  occasion: Occasion,
  row: ProviderRow,
  { further, ...asking }: Omit<Asking, 'clock'> & { readonly further?: AskFurther } = {},
  alongside?: Alongside,
): Promise<KeyTested> {
  const served = serveHere(row, parts);
  askableUpstream(served);
  const { key, source, reason } = served.resolution;
  if (key === null || source === null) {
    throw new KeywardError('key_not_found', {
      message: `There is no key of ${row.provider_slug} to test from here: ${reason}.`,
    });
  }
  const { clock } = parts;
  const free = await askProvider(served, key, { clock, ...asking });
  const spend = async (model: string): Promise<KeyTestResult> =>
    askProvider(served, key, { clock, spendOn: model });
  const result = further === undefined ? free : await further(free, spend);
  const storedToken = source === 'database' ? row.encrypted_api_key : null;
  const tested = { fingerprint: parts.changes.fingerprinter.of(key), source, alongside };
  return record(parts, occasion, row, {
    key,
    result,
    tested: storedToken === null ? tested : { ...tested, storedToken },
    warnings: [],
  });
}

/**
 * Tests a key that is in use nowhere; it is not stored.
 * @throws KeywardError key_refused (400), and what askProvider and recordTest throw
 */
export async function testCandidate(
  parts: KeyActParts,
  occasion: Occasion,
  row: ProviderRow,
  key: Secret,
  asking: Omit<Asking, 'clock'> = {},
): Promise<KeyTested> {
  const warnings = await checkKey(parts, row.provider_slug, key);
  const result = await askProvider(serveHere(row, parts), key, { clock: parts.clock, ...asking });
  const tested = { fingerprint: parts.changes.fingerprinter.of(key), source: 'candidate' } as const;
  return record(parts, occasion, row, { key, result, tested, warnings });
}

async function record(
  { changes }: KeyActParts,
  occasion: Occasion,
  { provider_slug: slug }: ProviderRow,
  {
    key,
    result,
    tested,
    warnings,
  }: { key: Secret; result: KeyTestResult; tested: TestedKey; warnings: string[] },
): Promise<KeyTested> {
  const { revision } = await recordTest(changes, occasion, slug, tested, result);
  const { source, fingerprint } = tested;
  return { result, source, fingerprint, mask: maskKey(key), warnings, revision };
}
