/** `keyward audit retain`: removes the oldest events for good, after saying which, and after a look that they are whole. */
import { dayMs } from '../foundation/day.ts';
import { planRetention, retainEvents, type Retained } from '../audit/retain-events.ts';
import { UsageError } from '../foundation/errors.ts';
import type { Installation } from '../installation.ts';
import { confirmed } from './confirm.ts';
import { brokenExitCode, verifyInstallation } from './audit-verify.ts';
import { counted, print, printJson, remark } from './terminal.ts';
import { reasonedOccasion, withInstallation } from './with-installation.ts';

export interface RetainOptions {
  before?: Date;
  keepDays?: number;
  dryRun?: true;
  yes?: true;
  reason?: string;
  json?: true;
}

const unasked = 'Removing events asks first, and this is no terminal. Say --yes to go on.';

function question(plan: Retained): string {
  return `Remove ${describe(plan)} for good? Nothing is exported by this: do that first with keyward audit export.`;
}

/** @returns the exit code: 0 removed or nothing to remove, 1 not confirmed, 7 the trail is broken */
export async function retain(options: RetainOptions): Promise<number> {
  const before = limitOf(options);
  return withInstallation(async (installation) => {
    const { database, audit } = installation;
    const plan = await planRetention(database.kysely, before);
    if (plan === null) {
      tell(
        options,
        `No event is older than ${before.toISOString()}, but for the newest, which stays.`,
        null,
        false,
      );
      return 0;
    }
    if (options.dryRun) {
      tell(options, `${describe(plan)} would go.`, plan, false);
      return 0;
    }
    const broken = await refusal(installation);
    if (broken !== null) {
      tell(options, broken, plan, false);
      return brokenExitCode;
    }
    if (!options.yes && !(await confirmed(question(plan), unasked))) {
      remark('Nothing was removed.');
      return 1;
    }
    const removed = await retainEvents(
      { audit, occasion: await reasonedOccasion(installation, options.reason) },
      before,
    );
    if (removed === null) tell(options, 'Somebody else has removed them meanwhile.', null, false);
    else tell(options, `Removed ${describe(removed)}. An event records it.`, removed, true);
    return 0;
  });
}

function limitOf({ before, keepDays }: RetainOptions): Date {
  if (before !== undefined) return before;
  if (keepDays !== undefined) return new Date(Date.now() - keepDays * dayMs);
  throw new UsageError('Say how much is to go: --before 2026-01-31, or --keep-days 365.', { exitCode: 2 });
}

function describe({ first, through, count }: Retained): string {
  return `${counted(count, 'event')} (${first} to ${through})`;
}

/** What was tampered with must not go unseen with the rest. */
async function refusal(installation: Installation): Promise<string | null> {
  const { fault } = await verifyInstallation(installation);
  if (fault === null) return null;
  return `The audit trail is broken at event ${fault.sequence} (${fault.kind}): ${fault.message} Nothing was removed: it is evidence.`;
}

function tell({ json }: RetainOptions, sentence: string, plan: Retained | null, removed: boolean): void {
  if (json) printJson({ removed, events: plan, message: sentence });
  else print(sentence);
}
