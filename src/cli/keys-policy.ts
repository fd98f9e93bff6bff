/**
 * `keyward keys policy`: how old a provider's key may grow, whose it is, until when its age warns nobody, and whether its
 * daily test may spend a token.
 */
import { shownPolicy } from '../alerts/refuse-secrets.ts';
import { changePolicy, readPolicy, type KeyPolicy, type PolicyChange } from '../keys/health/policy-store.ts';
import type { Probe } from '../keys/health/probe.ts';
import { viewPolicy } from '../keys/health/view-health.ts';
import { print, printJson } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  refuseSecretsIn,
  withInstallation,
} from './with-installation.ts';

export interface PolicyOptions {
  readonly ageing?: number;
  readonly due?: number;
  readonly overdue?: number;
  readonly owner?: string;
  readonly snooze?: number;
  readonly probeModel?: string;
  readonly probeCalls?: number;
  /** False: --no-probe. */
  readonly probe?: boolean;
  readonly reason?: string;
  readonly json?: true;
}

/** Without anything to set it shows the policy. */
export async function actOnPolicy(slug: string, options: PolicyOptions): Promise<void> {
  const { ageing, due, overdue, owner, snooze, reason, json } = options;
  const probe = probeIn(options);
  const isChange = [ageing, due, overdue, owner, snooze, probe].some((value) => value !== undefined);
  await withInstallation(async (installation) => {
    const { id } = await findProvider(installation, slug);
    if (!isChange) {
      const policy = await readPolicy(installation.database.kysely, id);
      if (json) printJson({ provider: slug, ...viewPolicy(policy) });
      else print(sentenceOf(slug, policy));
      return;
    }
    await refuseSecretsIn(installation, shownPolicy(owner, options.probeModel));
    const { policy, revision } = await changePolicy(
      { changes: changeParts(installation), clock: installation.clock },
      await reasonedOccasion(installation, reason),
      slug,
      { ageingDays: ageing, dueDays: due, overdueDays: overdue, owner, snoozeDays: snooze, probe },
    );
    const applied = await describeApplied(installation, revision);
    if (json) printJson({ provider: slug, ...viewPolicy(policy), revision, applied });
    else {
      print(sentenceOf(slug, policy));
      print(applied);
    }
  });
}

function probeIn({
  probe,
  probeModel: model,
  probeCalls: monthlyCalls,
}: PolicyOptions): PolicyChange['probe'] {
  if (probe === false) return null;
  return model === undefined && monthlyCalls === undefined ? undefined : { model, monthlyCalls };
}

function sentenceOf(slug: string, { ageingDays, dueDays, overdueDays, owner, ...policy }: KeyPolicy): string {
  const { snoozedUntil, snoozeReason, changedBy, probe } = policy;
  return [
    `${slug}: ageing after ${ageingDays} days, due after ${dueDays}, overdue after ${overdueDays}${changedBy === null ? ' (the default)' : ''}; owner ${owner ?? 'nobody'}.`,
    ...(snoozedUntil === null
      ? []
      : [`Its age warns nobody until ${snoozedUntil.toISOString()}: ${snoozeReason}`]),
    ...(probe === null ? [] : [probeInWords(probe)]),
  ].join(' ');
}

function probeInWords({ model, monthlyCalls, month, callsMade, usdPerCall }: Probe): string {
  const made = month === null ? 'none made yet' : `${callsMade} made in ${month}`;
  const cost =
    usdPerCall === null
      ? 'what it costs is not known: llm_models has no price of it'
      : `about $${inUsd(usdPerCall)} each, $${inUsd(usdPerCall * monthlyCalls)} a month at most`;
  return `Its daily test spends a token with ${model}: at most ${monthlyCalls} calls a month, ${made}; ${cost}.`;
}

/** Two digits that count, and no exponent. */
function inUsd(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 2 });
}
