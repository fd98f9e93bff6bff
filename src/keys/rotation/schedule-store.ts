/**
 * The table keyward_rotation_schedules. A schedule that is due is taken by one instance; after one failure it
 * stops, and says why, until an administrator sets it again.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import { storable, type Occasion, writtenBy } from '../../audit/audit-event.ts';
import type { KeywardRotationSchedulesTable, Tables } from '../../database/tables.ts';
import { refuseEmptyWindow } from '../../foundation/day-window.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { requireLockedRow, type ChangeParts } from '../change-provider.ts';
import type { KeyActParts } from '../key-acts.ts';
import { findProviderById } from '../list-providers.ts';
import { requireManagement } from './management-store.ts';
import { dueAt, withinWindow, isInWindow } from './rotation-due.ts';
import { databaseNow, findActiveVersion, findRotation } from './rotation-store.ts';

export type Schedule = Selectable<KeywardRotationSchedulesTable>;

export interface NewSchedule {
  readonly everyDays: number | null;
  readonly beforeExpiryDays: number | null;
  readonly jitterMinutes: number;
  /** Minutes after midnight, UTC. */
  readonly window: { readonly from: number; readonly to: number } | null;
}

/** @throws KeywardError provider_not_found (404), management_unavailable (409), field_invalid (400) */
export async function setSchedule(
  { changes }: Pick<KeyActParts, 'changes'>,
  occasion: Occasion,
  slug: string,
  schedule: NewSchedule,
): Promise<Schedule> {
  if (requireManagement(slug).mint === undefined) {
    throw new KeywardError('management_unavailable', {
      message: `Only a person can make a key of ${slug}, so it cannot be rotated by a schedule.`,
    });
  }
  if (schedule.everyDays === null && schedule.beforeExpiryDays === null) {
    throw new KeywardError('field_invalid', {
      message: 'A schedule needs every_days, before_expiry_days, or both. Nothing was changed.',
      param: 'every_days',
    });
  }
  refuseEmptyWindow(
    schedule.window,
    'window',
    'A window that ends when it begins leaves no time to rotate in; without a window any time will do.',
  );
  refuseUnusualDays('every_days', schedule.everyDays);
  refuseUnusualDays('before_expiry_days', schedule.beforeExpiryDays);
  const { value } = await changes.audit.change(occasion, async (tx, record) => {
    const row = await requireLockedRow(tx, slug);
    const values = {
      every_days: schedule.everyDays,
      before_expiry_days: schedule.beforeExpiryDays,
      jitter_minutes: schedule.jitterMinutes,
      window_from: schedule.window?.from ?? null,
      window_to: schedule.window?.to ?? null,
      next_at: null,
      taken_at: null,
      stopped_because: null,
      changed_by: writtenBy(occasion),
      changed_at: databaseNow,
    };
    const saved = await tx
      .insertInto('keyward_rotation_schedules')
      .values({ provider_id: row.id, ...values })
      .onConflict((conflict) => conflict.column('provider_id').doUpdateSet(values))
      .returningAll()
      .executeTakeFirstOrThrow();
    record({
      action: 'schedule.changed',
      target: { kind: 'provider', id: slug },
      after: { ...schedule },
    });
    return saved;
  });
  return value;
}

export const mostScheduledDays = 3_650;

/** @throws KeywardError field_invalid (400) */
function refuseUnusualDays(param: string, days: number | null): void {
  if (days === null || (days >= 1 && days <= mostScheduledDays)) return;
  throw new KeywardError('field_invalid', {
    message: `${param} must be from 1 to ${mostScheduledDays}. Nothing was changed.`,
    param,
  });
}

/** @returns whether there was one */
export async function removeSchedule(
  { changes }: Pick<KeyActParts, 'changes'>,
  occasion: Occasion,
  slug: string,
): Promise<boolean> {
  const { value } = await changes.audit.change(occasion, async (tx, record) => {
    const row = await requireLockedRow(tx, slug);
    const { numDeletedRows } = await tx
      .deleteFrom('keyward_rotation_schedules')
      .where('provider_id', '=', row.id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    record({
      action: 'schedule.changed',
      target: { kind: 'provider', id: slug },
      after: { schedule: null },
    });
    return true;
  });
  return value;
}

export async function findSchedule(db: Kysely<Tables>, providerId: number): Promise<Schedule | undefined> {
  return db
    .selectFrom('keyward_rotation_schedules')
    .selectAll()
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
}

export interface DueSchedules {
  /** The providers whose rotation this instance is to begin. */
  readonly taken: readonly number[];
  /** Those whose schedule stopped now, and why. */
  readonly stopped: readonly { readonly providerId: number; readonly why: string }[];
}

/** Reckons what is not reckoned yet, stops what has failed, and takes what is due now. */
export async function takeDueSchedules(
  { database, changes }: Pick<KeyActParts, 'database' | 'changes'>,
  occasion: Occasion,
): Promise<DueSchedules> {
  const db = database.kysely;
  const schedules = await db
    .selectFrom('keyward_rotation_schedules')
    .selectAll()
    .select(sql<Date>`${databaseNow}`.as('now'))
    .where('stopped_because', 'is', null)
    .execute();
  const taken: number[] = [];
  const stopped: { providerId: number; why: string }[] = [];
  for (const schedule of schedules) {
    const providerId = schedule.provider_id;
    const last = await lastScheduledRotation(db, schedule);
    if (last !== undefined && failedSteps.has(last.step)) {
      const why =
        `The rotation ${last.id} is ${last.step.replace('_', ' ')}. ${last.explanation ?? ''}`.trim();
      if (await stopSchedule(changes, occasion, providerId, why)) stopped.push({ providerId, why });
      continue;
    }
    // Of whoever began it: the next one is reckoned from the key that it leaves.
    if ((await findRotation(db, providerId, 'open')) !== undefined) continue;
    const next = await reckoned(db, schedule);
    if (next === null || next > schedule.now || !isInWindow(schedule.now, schedule)) continue;
    if (await takeOne(db, schedule)) taken.push(providerId);
  }
  return { taken, stopped };
}

const failedSteps: ReadonlySet<string> = new Set(['failed', 'rolled_back', 'cancelled', 'superseded']);

/** @returns whether it went on until now */
export async function stopSchedule(
  changes: ChangeParts,
  occasion: Occasion,
  providerId: number,
  why: string,
): Promise<boolean> {
  const { value } = await changes.audit.change(occasion, async (tx, record) => {
    const stopped_because = storable(why);
    const { numUpdatedRows } = await tx
      .updateTable('keyward_rotation_schedules')
      .set({ stopped_because, next_at: null })
      .where('provider_id', '=', providerId)
      .where('stopped_because', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    const row = await findProviderById(tx, providerId);
    record({
      action: 'schedule.stopped',
      target: { kind: 'provider', id: row?.provider_slug ?? String(providerId) },
      outcome: 'failed',
      after: { stopped_because },
    });
    return true;
  });
  return value;
}

/** The newest one that began by itself since the schedule was set. */
async function lastScheduledRotation(db: Kysely<Tables>, { provider_id: id, changed_at: since }: Schedule) {
  return db
    .selectFrom('keyward_rotations')
    .select(['id', 'step', 'explanation', 'ended_at'])
    .where('provider_id', '=', id)
    .where('is_automatic', '=', true)
    .where('started_at', '>=', since)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * Reckons when it is due by the key that serves now. What was reckoned stands while that key could have led to
 * it: the dice are thrown once, and a key that was changed by hand is not rotated at the time of the old one.
 * @returns null where nothing is due ever
 */
async function reckoned(db: Kysely<Tables>, schedule: Schedule): Promise<Date | null> {
  const { provider_id: providerId, next_at: before } = schedule;
  const active = await findActiveVersion(db, providerId);
  const reckon = (dice: number): Date | null => {
    if (active === undefined) return null;
    const dated = { since: active.promoted_at ?? active.created_at, expiresAt: active.expires_at };
    const at = dueAt(schedule, dated, dice);
    return at === null ? null : withinWindow(at, schedule);
  };
  const [earliest, latest] = [reckon(0), reckon(1)];
  const stands =
    before === null || earliest === null || latest === null
      ? before === earliest
      : before >= earliest && before <= latest;
  if (stands) return before;
  const next_at = reckon(Math.random());
  await db
    .updateTable('keyward_rotation_schedules')
    .set({ next_at })
    .where('provider_id', '=', providerId)
    // Another instance may have thrown the dice.
    .where('next_at', 'is not distinct from', before)
    .execute();
  return next_at;
}

/** Longer than it takes to write down that a rotation begins; then that rotation holds the others off. */
const takenForSeconds = 120;

/** Of several instances that find it due, one takes it; where that one dies before it begins, another later. */
async function takeOne(db: Kysely<Tables>, { provider_id: id }: Schedule): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('keyward_rotation_schedules')
    .set({ taken_at: databaseNow })
    .where('provider_id', '=', id)
    .where('stopped_because', 'is', null)
    .where(
      sql<boolean>`coalesce(taken_at <= ${databaseNow} - make_interval(secs => ${sql.lit(takenForSeconds)}), true)`,
    )
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
