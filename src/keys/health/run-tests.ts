/**
 * Has one key tested for the health watch: the daily test, and the one after a refused call. The calls are free, but for
 * the one that a policy asks for.
 */
import type { Occasion } from '../../audit/audit-event.ts';
import { KeywardError } from '../../foundation/errors.ts';
import type { KeyActParts } from '../key-acts.ts';
import { findProviderById } from '../list-providers.ts';
import { testServingKey, type AskFurther } from '../test-provider-key.ts';
import { finishDailyTest, type ClaimedTest, type DailyOutcome } from './daily-tests.ts';
import { releaseRefusal, type ClaimedRefusal } from './live-verdicts.ts';
import { markRefused } from './mark-refused.ts';
import { claimProbe } from './probe.ts';

/** What keeps a provider from being asked today, and is no fault of this instance. */
const reasonsNotToAsk: ReadonlySet<string> = new Set(['key_not_found', 'provider_not_askable']);

/** Another instance has taken the test over: what this one heard is not recorded. */
class ClaimLost extends Error {}

type WatchParts = KeyActParts & { readonly instanceId: string };

/**
 * The test and the end of the day's row are one transaction, so that a day has one record, whoever is killed.
 * @throws what testServingKey throws; then the claim still stands
 */
export async function runDailyTest(
  parts: WatchParts,
  occasion: Occasion,
  claimed: ClaimedTest,
): Promise<void> {
  const { database, instanceId } = parts;
  const finish = async (outcome: DailyOutcome, db = database.kysely): Promise<boolean> =>
    finishDailyTest(db, instanceId, claimed, outcome);
  const row = await findProviderById(database.kysely, claimed.provider_id);
  if (row === undefined) return;
  let remark: string | null = null;
  const further: AskFurther = async (free, spend) => {
    // Whoever has a test run now was promised that it spends nothing.
    if (free.verdict !== 'valid' || claimed.asked_by !== null) return free;
    const model = await claimProbe(database.kysely, instanceId, claimed);
    if (model === null) return free;
    const paid = await spend(model);
    remark = `A call of one token was made with ${model}. ${paid.message}`;
    // A model that is gone, for example, is no fault of the key.
    if (paid.verdict === 'unknown') return free;
    return { ...paid, modelsAvailable: free.modelsAvailable, facts: free.facts };
  };
  try {
    await testServingKey(parts, occasion, row, { further }, async (tx, result) => {
      const { testedAt, verdict, responseTimeMs } = result;
      if (!(await finish({ testedAt, verdict, responseTimeMs, remark }, tx))) throw new ClaimLost();
    });
  } catch (error) {
    if (error instanceof ClaimLost) return;
    if (!(error instanceof KeywardError) || !reasonsNotToAsk.has(error.code)) throw error;
    await finish({ testedAt: null, verdict: null, responseTimeMs: null, remark: error.message });
  }
}

/** Marks the key as dead and asks its provider at once; a good answer takes the mark away again. */
export async function testRefused(
  parts: WatchParts,
  occasion: Occasion,
  claimed: ClaimedRefusal,
): Promise<void> {
  const { changes, clock, database, instanceId } = parts;
  let testedAt: Date | null = null;
  try {
    const row = await findProviderById(database.kysely, claimed.provider_id);
    if (row === undefined) return;
    await markRefused(changes, occasion, claimed, clock.now());
    const { result } = await testServingKey(parts, occasion, row);
    testedAt = result.testedAt;
  } catch (error) {
    if (!(error instanceof KeywardError) || !reasonsNotToAsk.has(error.code)) throw error;
    testedAt = clock.now();
  } finally {
    await releaseRefusal(database.kysely, instanceId, claimed, testedAt);
  }
}
