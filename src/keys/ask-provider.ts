/** Has a provider asked about a key for an act that somebody waits for, and gives up when that somebody leaves. */
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
  readonly admit?: ((slug: string) => void) | undefined;
}

/**
 * A test that was given up says nothing of the key: it has no result and leaves no record.
 * @throws KeywardError provider_not_askable (409), caller_left, and what `admit` throws
 */
export async function askProvider(
  served: ServedProvider,
  key: Secret,
  { clock, signal, admit }: Asking,
): Promise<KeyTestResult> {
  const { slug, entry } = served;
  const upstream = askableUpstream(served);
  admit?.(slug);
  const options = signal === undefined ? { clock } : { clock, signal };
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
