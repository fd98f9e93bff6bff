/**
 * The tables keyward_rotations and keyward_key_versions read: rotations with both of their keys. Whether a time
 * is over is asked of the database's clock, so that no two instances disagree.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { KeywardKeyVersionsTable, KeywardRotationsTable, Tables } from '../../database/tables.ts';
import { verdicts, type Verdict } from '../../providers/verdict.ts';
import type { RotationFacts } from './rotation-machine.ts';

export type KeyVersion = Selectable<KeywardKeyVersionsTable>;

export interface Rotation extends Selectable<KeywardRotationsTable> {
  readonly newKey: KeyVersion;
  /** The key that was stored when it began; null where none was. */
  readonly oldKey: KeyVersion | null;
  /** The time to soak is over; false before the promotion. */
  readonly soakIsOver: boolean;
  /** How long it has been at its step, in seconds. */
  readonly secondsAtStep: number;
}

/** UTC, by the clock of the database, as all times here. */
export const databaseNow = sql<Date>`now() AT TIME ZONE 'UTC'`;

type RotationQuery = 'open' | 'last' | { readonly id: string };

/** The rotation of a provider that is open, or the newest, or the one of that id; undefined where there is none. */
export async function findRotation(
  db: Kysely<Tables>,
  providerId: number,
  which: RotationQuery,
): Promise<Rotation | undefined> {
  let query = selectRotations(db).where('provider_id', '=', providerId).orderBy('id', 'desc').limit(1);
  if (which === 'open') query = query.where('ended_at', 'is', null);
  else if (which !== 'last') query = query.where('id', '=', which.id);
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : withKeys(db, row);
}

/** All rotations that are open, by provider. */
export async function readOpenRotations(db: Kysely<Tables>): Promise<Rotation[]> {
  const rows = await selectRotations(db).where('ended_at', 'is', null).orderBy('id').execute();
  if (rows.length === 0) return [];
  const ids = rows.flatMap((row) => [row.new_version_id, row.old_version_id ?? []].flat());
  const versions = await db.selectFrom('keyward_key_versions').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(versions.map((version) => [version.id, version]));
  return rows.flatMap((row) => {
    const newKey = byId.get(row.new_version_id);
    return newKey === undefined ? [] : [rotationOf(row, newKey, byId.get(row.old_version_id ?? '') ?? null)];
  });
}

export interface RotationPage {
  readonly rows: readonly Rotation[];
  /** The id before which the next page begins; null after the last one. */
  readonly next: string | null;
}

/** The rotations of a provider, newest first. */
export async function listRotations(
  db: Kysely<Tables>,
  providerId: number,
  {
    before,
    limit,
    state = 'all',
  }: {
    readonly before: string | null;
    readonly limit: number;
    readonly state?: 'open' | 'ended' | 'all' | undefined;
  },
): Promise<RotationPage> {
  let query = selectRotations(db)
    .where('provider_id', '=', providerId)
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (before !== null) query = query.where('id', '<', before);
  if (state !== 'all') query = query.where('ended_at', state === 'open' ? 'is' : 'is not', null);
  const rows = await query.execute();
  const page = [];
  for (const row of rows.slice(0, limit)) page.push(await withKeys(db, row));
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}

/** All versions of a provider's key, newest first; at most a hundred. */
export async function listKeyVersions(db: Kysely<Tables>, providerId: number): Promise<KeyVersion[]> {
  return db
    .selectFrom('keyward_key_versions')
    .selectAll()
    .where('provider_id', '=', providerId)
    .orderBy('id', 'desc')
    .limit(100)
    .execute();
}

export async function findActiveVersion(
  db: Kysely<Tables>,
  providerId: number,
): Promise<KeyVersion | undefined> {
  return db
    .selectFrom('keyward_key_versions')
    .selectAll()
    .where('provider_id', '=', providerId)
    .where('state', '=', 'active')
    .executeTakeFirst();
}

/**
 * What the state machine decides by.
 * @param served what both of its keys have served
 * @param noWayBack see whyNoWayBack
 */
export function factsOf(
  { step, newKey, soakIsOver }: Rotation,
  served: RotationFacts['served'],
  noWayBack: string | null,
): RotationFacts {
  return {
    step,
    verdict: verdictIn(newKey.last_verdict),
    generates: newKey.generated_at !== null,
    noWayBack,
    soakIsOver,
    served,
  };
}

/** A verdict as the database holds it. */
export function verdictIn(text: string | null): Verdict | null {
  return verdicts.find((verdict) => verdict === text) ?? null;
}

function selectRotations(db: Kysely<Tables>) {
  return db
    .selectFrom('keyward_rotations')
    .selectAll()
    .select([
      sql<boolean>`coalesce(promoted_at + make_interval(secs => soak_seconds) <= ${databaseNow}, false)`.as(
        'soak_is_over',
      ),
      sql<number>`extract(epoch FROM ${databaseNow} - step_since)::int`.as('seconds_at_step'),
    ]);
}

type RotationRow = Selectable<KeywardRotationsTable> & {
  readonly soak_is_over: boolean;
  readonly seconds_at_step: number;
};

async function withKeys(db: Kysely<Tables>, row: RotationRow): Promise<Rotation> {
  const version = async (id: string): Promise<KeyVersion> =>
    db.selectFrom('keyward_key_versions').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const oldKey = row.old_version_id === null ? null : await version(row.old_version_id);
  return rotationOf(row, await version(row.new_version_id), oldKey);
}

function rotationOf(row: RotationRow, newKey: KeyVersion, oldKey: KeyVersion | null): Rotation {
  return { ...row, newKey, oldKey, soakIsOver: row.soak_is_over, secondsAtStep: row.seconds_at_step };
}
