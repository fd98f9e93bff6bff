/**
 * The table keyward_instances: which servers run and which revision each serves, so that whoever
 * changes a key can be told when all of them have it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { Fallback, KeySource } from './resolve-key.ts';
import type { ServedProvider, Snapshot } from './snapshot.ts';

/** An instance that was not seen for this long is taken for dead. */
const liveForSeconds = 15;
/** How often an instance gives a sign of life. */
export const heartbeatMs = 5_000;
/** How often somebody who waits for the instances asks. */
const askMs = 20;

/** What an instance serves each provider with; without secrets. */
export type ServedKeys = Readonly<
  Record<
    string,
    {
      readonly source: KeySource | null;
      readonly fingerprint: string | null;
      readonly fallback: Fallback | null;
      readonly reason: string;
    }
  >
>;

export interface LiveInstance {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly revision: number;
  readonly serves: ServedKeys;
  readonly startedAt: Date;
  readonly seenAt: Date;
}

/** What explains the keys of these providers. */
export function servedKeysOf(providers: Iterable<ServedProvider>): ServedKeys {
  return Object.fromEntries(
    Array.from(providers, ({ slug, resolution: { key, source, fallback, reason } }) => [
      slug,
      { source, fingerprint: key?.fingerprint ?? null, fallback, reason },
    ]),
  );
}

export function newInstanceId(): string {
  return randomUUID();
}

/** Says that this instance lives and serves that revision; forgets instances that are long dead. */
export async function reportInstance(
  db: Kysely<Tables>,
  { id, version, snapshot }: { id: string; version: string; snapshot: Snapshot },
): Promise<void> {
  const { revision } = snapshot;
  const serves = JSON.stringify(servedKeysOf(snapshot.providers.values()));
  const seenAt = sql<Date>`now() AT TIME ZONE 'UTC'`;
  await db
    .insertInto('keyward_instances')
    .values({ id, version, revision, serves, host: hostname(), pid: process.pid })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ revision, serves, seen_at: seenAt }))
    .execute();
  await db
    .deleteFrom('keyward_instances')
    .where('seen_at', '<', sql<Date>`(now() AT TIME ZONE 'UTC') - interval '1 hour'`)
    .execute();
}

export async function removeInstance(db: Kysely<Tables>, id: string): Promise<void> {
  await db.deleteFrom('keyward_instances').where('id', '=', id).execute();
}

/** For the owner of an embedded engine: whoever is listed was killed and cannot say so. */
export async function forgetInstances(db: Kysely<Tables>): Promise<void> {
  await db.deleteFrom('keyward_instances').execute();
}

export async function listLiveInstances(db: Kysely<Tables>): Promise<LiveInstance[]> {
  const rows = await db
    .selectFrom('keyward_instances')
    .selectAll()
    .where(
      'seen_at',
      '>',
      sql<Date>`(now() AT TIME ZONE 'UTC') - make_interval(secs => ${sql.lit(liveForSeconds)})`,
    )
    .orderBy('started_at')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    host: row.host,
    pid: row.pid,
    version: row.version,
    revision: Number(row.revision),
    serves: row.serves as ServedKeys,
    startedAt: row.started_at,
    seenAt: row.seen_at,
  }));
}

export interface Applied {
  readonly live: readonly LiveInstance[];
  /** Those that do not serve the revision yet. */
  readonly behind: readonly LiveInstance[];
}

/** Waits until every live instance serves at least this revision, or the time is up. */
export async function waitUntilApplied(
  db: Kysely<Tables>,
  revision: number,
  timeoutMs: number,
): Promise<Applied> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const live = await listLiveInstances(db);
    const behind = live.filter((instance) => instance.revision < revision);
    if (behind.length === 0 || performance.now() > deadline) return { live, behind };
    await new Promise((resolve) => setTimeout(resolve, askMs));
  }
}
