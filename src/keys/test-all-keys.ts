/**
 * Has the serving keys of many providers tested, a few at a time and within a limit of time: what could not
 * be begun in time is left for the next call, and said.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Asking } from './ask-provider.ts';
import type { KeyActParts } from './key-acts.ts';
import type { ProviderRow } from './provider-store.ts';
import { testServingKey, type KeyTested } from './test-provider-key.ts';

/** Asked at the same time. */
const mostAtOnce = 4;
/** Nothing is begun later; with the 10 s that a test may take, all is answered within a minute. */
const beginForMs = 50_000;

export type ProviderTested =
  | { readonly slug: string; readonly outcome: 'tested'; readonly tested: KeyTested }
  /** `skipped`: there was nothing to ask, or not now; `pending`: the time was up. */
  | { readonly slug: string; readonly outcome: 'skipped' | 'pending'; readonly reason: string };

/**
 * @returns one entry for each row, in their order
 * @throws KeywardError caller_left; what was tested by then is on record
 */
export async function testAllKeys(
  parts: KeyActParts,
  occasion: Occasion,
  rows: readonly ProviderRow[],
  asking: Omit<Asking, 'clock'>,
): Promise<ProviderTested[]> {
  const deadline = parts.clock.monotonicMs() + beginForMs;
  const inTime: Omit<Asking, 'clock'> = {
    ...asking,
    admit: async (slug) => {
      if (parts.clock.monotonicMs() > deadline) throw new TimeIsUp();
      await asking.admit?.(slug);
    },
  };
  const outcomes: ProviderTested[] = [];
  const waiting = [...rows.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, row] = next;
      outcomes[index] = await testOne(parts, occasion, row, inTime);
    }
  };
  try {
    await Promise.all(Array.from({ length: mostAtOnce }, work));
  } catch (error) {
    waiting.length = 0;
    throw error;
  }
  return outcomes;
}

class TimeIsUp extends Error {}

/** Codes of what keeps one provider from being asked and says nothing of the others. */
const reasonsToSkip: ReadonlySet<string> = new Set([
  'key_not_found',
  'provider_not_askable',
  'provider_cooling_down',
]);

async function testOne(
  parts: KeyActParts,
  occasion: Occasion,
  row: ProviderRow,
  asking: Omit<Asking, 'clock'>,
): Promise<ProviderTested> {
  const slug = row.provider_slug;
  try {
    return { slug, outcome: 'tested', tested: await testServingKey(parts, occasion, row, asking) };
  } catch (error) {
    if (error instanceof TimeIsUp) {
      return { slug, outcome: 'pending', reason: 'The time was up before its turn came.' };
    }
    if (!(error instanceof KeywardError) || !reasonsToSkip.has(error.code)) throw error;
    return { slug, outcome: 'skipped', reason: error.message };
  }
}
