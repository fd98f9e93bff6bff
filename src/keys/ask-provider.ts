/** Has a provider asked about a key for an act that somebody waits for, and gives up when that somebody leaves. */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import type { ServedProvider } from './snapshot.ts';
import type { Upstream } from './upstream-address.ts';
import { KeyTestCancelled, testKey, type KeyTestResult } from './test-key.ts';

export interface Asking {
  readonly clock: Clock;
  /** Aborted when the caller leaves. */
  readonly signal?: AbortSignal | undefined;
  /** Called right before the provider is asked; throws what refuses it. */
  readonly admit?: ((slug: string) => Promise<void>) | undefined;
  /** Asks by a chat of one token with this model; see testKey. */
  readonly spendOn?: string | undefined;
}

/** What is done in the transaction that records a test. What throws there leaves no record of the test. */
export type Alongside = (tx: Kysely<Tables>, result: KeyTestResult) => Promise<void>;

/**
 * A test that was given up says nothing of the key: it has no result and leaves no record.
 * @throws KeywardError provider_not_askable (409), caller_left, and what `admit` throws
 */
export async function askProvider(
  served: ServedProvider,
  key: Secret,
  { clock, signal, admit, spendOn }: Asking,
): Promise<KeyTestResult> {
  const { slug, entry } = served;
  const upstream = askableUpstream(served);
  await admit?.(slug);
  const options = {
    clock,
    ...(signal !== undefined && { signal }),
    ...(spendOn !== undefined && { spendOn }),
  };
  return testKey(entry, upstream, key, options).catch((error: unknown) => {
    throw error instanceof KeyTestCancelled ? new KeywardError('caller_left', { cause: error }) : error;
  });
}

/** @throws KeywardError provider_not_askable (409) */
export function askableUpstream({ slug, upstream }: ServedProvider): Upstream {
  if (!('problem' in upstream)) return upstream;
  throw new KeywardError('provider_not_askable', {
    message: `${slug} cannot be asked: ${upstream.problem}.`,
  });
}
