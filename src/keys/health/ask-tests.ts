/** Has the daily tests of providers run now, also of those that had theirs: recorded with who asked. */
import { dayOf } from '../../foundation/day.ts';
import type { Occasion } from '../../audit/audit-event.ts';
import type { KeyActParts } from '../key-acts.ts';
import { askDailyTests } from './daily-tests.ts';

/** A server runs them within ten seconds; one that is running already goes on. */
export async function askForTests(
  { changes, clock }: Pick<KeyActParts, 'changes' | 'clock'>,
  occasion: Occasion,
  slugs: readonly string[],
): Promise<void> {
  const at = clock.now();
  await changes.audit.change(occasion, async (tx, record) => {
    await askDailyTests(tx, { day: dayOf(at), at, slugs, askedBy: occasion.actor.name });
    record({
      action: 'health.run_asked',
      target: { kind: 'health', id: dayOf(at) },
      after: { providers: slugs },
    });
  });
}
