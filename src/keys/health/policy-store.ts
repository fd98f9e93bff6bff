/**
 * The table keyward_key_policies: how old each provider's key may grow, whose it is, until when its age warns nobody,
 * and whether a daily call may spend a token.
 */
import { dayMs } from '../../foundation/day.ts';
import { sql, type Kysely, type Selectable } from 'kysely';
import { writtenBy, type Occasion } from '../../audit/audit-event.ts';
import { storable } from '../../audit/audit-event.ts';
import type { KeywardKeyPoliciesTable, Tables } from '../../database/tables.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { requireLockedRow, type Precondition } from '../change-provider.ts';
import type { KeyActParts } from '../key-acts.ts';
import { databaseNow } from '../rotation/rotation-store.ts';
import { usdPerProbe, type Probe } from './probe.ts';
import { mostTestsInMonth } from './daily-due.ts';
import { defaultAgeLimits, type AgeLimits } from './key-age.ts';

export interface KeyPolicy extends AgeLimits {
  readonly owner: string | null;
  readonly snoozedUntil: Date | null;
  readonly snoozeReason: string | null;
  /** The daily call that spends a token; null: only free ones are made. */
  readonly probe: Probe | null;
  /** Null: nobody has set it, these are the defaults. */
  readonly changedBy: string | null;
  readonly changedAt: Date | null;
}

export const defaultPolicy: KeyPolicy = {
  ...defaultAgeLimits,
  owner: null,
  snoozedUntil: null,
  snoozeReason: null,
  probe: null,
  changedBy: null,
  changedAt: null,
};

/** What is absent stays as it is; null is the default, or nobody. */
export interface PolicyChange {
  readonly ageingDays?: number | null | undefined;
  readonly dueDays?: number | null | undefined;
  readonly overdueDays?: number | null | undefined;
  readonly owner?: string | null | undefined;
  /** From now on; null or 0: the age warns again. */
  readonly snoozeDays?: number | null | undefined;
  /** Of its two what is absent stays too, 31 calls a month at first; null: no call spends a token. */
  readonly probe?:
    | { readonly model?: string | undefined; readonly monthlyCalls?: number | undefined }
    | null
    | undefined;
}

export interface PolicyWritten {
  readonly policy: KeyPolicy;
  readonly revision: number;
}

/** All policies that were set, by the number of the provider. */
export async function readPolicies(db: Kysely<Tables>): Promise<ReadonlyMap<number, KeyPolicy>> {
  const rows = await selectPolicies(db).execute();
  return new Map(rows.map((row) => [row.provider_id, policyOf(row)]));
}

export async function readPolicy(db: Kysely<Tables>, providerId: number): Promise<KeyPolicy> {
  const row = await selectPolicies(db).where('provider_id', '=', providerId).executeTakeFirst();
  return row === undefined ? defaultPolicy : policyOf(row);
}

function selectPolicies(db: Kysely<Tables>) {
  return db
    .selectFrom('keyward_key_policies as policy')
    .selectAll()
    .select([
      usdPerProbe.as('usd_per_probe'),
      sql<string | null>`to_char(probe_month, 'YYYY-MM')`.as('probed_month'),
    ]);
}

/**
 * @throws KeywardError provider_not_found (404), revision_mismatch (412), reason_required (400) for a snooze
 * without one, field_invalid (400) for days out of their order, or calls without a model
 */
export async function changePolicy(
  { changes, clock }: Pick<KeyActParts, 'changes' | 'clock'>,
  occasion: Occasion,
  slug: string,
  { ifRevision, ...change }: PolicyChange & Precondition,
): Promise<PolicyWritten> {
  const { value, revision } = await changes.audit.change(occasion, async (tx, record) => {
    const { id } = await requireLockedRow(tx, slug, { ifRevision });
    const before = await readPolicy(tx, id);
    const after = applied(before, change, { now: clock.now(), reason: occasion.reason ?? null });
    const values = {
      ...columnsOf(after),
      changed_by: writtenBy(occasion),
      changed_at: databaseNow,
    };
    await tx
      .insertInto('keyward_key_policies')
      .values({ provider_id: id, ...values })
      .onConflict((conflict) => conflict.column('provider_id').doUpdateSet(values))
      .execute();
    record({
      action: 'policy.changed',
      target: { kind: 'provider', id: slug },
      before: columnsOf(before),
      after: columnsOf(after),
    });
    return readPolicy(tx, id);
  });
  return { policy: value, revision };
}

function applied(
  before: KeyPolicy,
  change: PolicyChange,
  { now, reason }: { readonly now: Date; readonly reason: string | null },
): KeyPolicy {
  const limits = limitsAfter(before, change);
  if (limits.ageingDays > limits.dueDays || limits.dueDays > limits.overdueDays) {
    throw new KeywardError('field_invalid', {
      message: `A key is first ageing, then due, then overdue: ${limits.ageingDays}, ${limits.dueDays} and ${limits.overdueDays} days are not in that order. Nothing was changed.`,
      param: 'due_days',
    });
  }
  const owner = change.owner === undefined ? before.owner : change.owner || null;
  const probe = probeAfter(before.probe, change.probe);
  return { ...before, ...limits, owner, probe, ...snoozeAfter(before, change, { now, reason }) };
}

/** What was made this month stays counted, also under another model. */
function probeAfter(before: Probe | null, change: PolicyChange['probe']): Probe | null {
  if (change === undefined) return before;
  if (change === null) return null;
  const model = change.model ?? before?.model;
  if (model === undefined) {
    throw new KeywardError('field_invalid', {
      message: 'Name the model of the call that spends a token. Nothing was changed.',
      param: 'probe',
    });
  }
  const monthlyCalls = change.monthlyCalls ?? before?.monthlyCalls ?? mostTestsInMonth;
  return { month: null, callsMade: 0, usdPerCall: null, ...before, model, monthlyCalls };
}

function limitsAfter(before: KeyPolicy, change: PolicyChange): AgeLimits {
  const pick = (name: keyof AgeLimits): number =>
    change[name] === undefined ? before[name] : (change[name] ?? defaultAgeLimits[name]);
  const dueDays = pick('dueDays');
  // What nobody named follows the day in the middle, in the proportion of the defaults.
  const share = dueDays / defaultAgeLimits.dueDays;
  const follow = (name: keyof AgeLimits, isInOrder: (days: number) => boolean): number => {
    const days = pick(name);
    const follows = change[name] === undefined && !isInOrder(days);
    return follows ? Math.max(1, Math.round(defaultAgeLimits[name] * share)) : days;
  };
  return {
    ageingDays: follow('ageingDays', (days) => days <= dueDays),
    dueDays,
    overdueDays: follow('overdueDays', (days) => days >= dueDays),
  };
}

function snoozeAfter(
  before: KeyPolicy,
  { snoozeDays }: PolicyChange,
  { now, reason }: { readonly now: Date; readonly reason: string | null },
): Pick<KeyPolicy, 'snoozedUntil' | 'snoozeReason'> {
  const { snoozedUntil, snoozeReason } = before;
  if (snoozeDays === undefined) return { snoozedUntil, snoozeReason };
  if (snoozeDays === null || snoozeDays === 0) return { snoozedUntil: null, snoozeReason: null };
  if (reason === null || reason.trim() === '') {
    throw new KeywardError('reason_required', {
      message: 'A snooze needs a reason, which goes into the audit trail. Nothing was changed.',
    });
  }
  return { snoozedUntil: new Date(now.getTime() + snoozeDays * dayMs), snoozeReason: storable(reason) };
}

function columnsOf(policy: KeyPolicy) {
  return {
    ageing_days: policy.ageingDays,
    due_days: policy.dueDays,
    overdue_days: policy.overdueDays,
    owner: policy.owner,
    snoozed_until: policy.snoozedUntil,
    snooze_reason: policy.snoozeReason,
    probe_model: policy.probe?.model ?? null,
    probe_monthly_calls: policy.probe?.monthlyCalls ?? null,
  };
}

interface PolicyRow extends Selectable<KeywardKeyPoliciesTable> {
  readonly usd_per_probe: number | null;
  readonly probed_month: string | null;
}

function policyOf(row: PolicyRow): KeyPolicy {
  return {
    ageingDays: row.ageing_days,
    dueDays: row.due_days,
    overdueDays: row.overdue_days,
    owner: row.owner,
    snoozedUntil: row.snoozed_until,
    snoozeReason: row.snooze_reason,
    probe: probeOf(row),
    changedBy: row.changed_by,
    changedAt: row.changed_at,
  };
}

function probeOf(row: PolicyRow): Probe | null {
  const { probe_model: model, probe_monthly_calls: monthlyCalls } = row;
  if (model === null || monthlyCalls === null) return null;
  const { probed_month: month, probe_calls: callsMade, usd_per_probe: usdPerCall } = row;
  return { model, monthlyCalls, month, callsMade, usdPerCall };
}
