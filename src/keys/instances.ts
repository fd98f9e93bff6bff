/**
 * The table keyward_instances: which servers run and which revision each serves, so that whoever
 * changes a key can be told when all of them have it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { sql, type Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Fallback, KeySource } from './resolve-key.ts';
import type { ServedProvider, Snapshot } from './snapshot.ts';
import { viewUpstream } from './upstream-address.ts';

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
      /** Where its requests go; null: nowhere. Not said by an older server. */
      readonly base_url?: string | null;
      /** How many requests it got for this provider within the last hour, or since its start. Not said by an older server. */
      readonly requests_last_hour?: number;
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
  /** The ids of its encryption keys; the first encrypts. */
  readonly encryptionKeyIds: readonly string[];
  readonly startedAt: Date;
  readonly seenAt: Date;
}

/** What explains the keys of these providers. */
export function servedKeysOf(providers: Iterable<ServedProvider>): ServedKeys {
  return Object.fromEntries(
    Array.from(providers, ({ slug, resolution: { key, source, fallback, reason }, upstream }) => [
      slug,
      {
        source,
        fingerprint: key?.fingerprint ?? null,
        fallback,
        reason,
        base_url: viewUpstream(upstream).base_url,
      },
    ]),
  );
}

export function newInstanceId(): string {
  return randomUUID();
}

/**
 * Says that this instance lives and serves that revision; forgets instances that are long dead.
 * @param instance.requests of the last hour, by slug
 */
export async function reportInstance(
  db: Kysely<Tables>,
  {
    id,
    version,
    snapshot,
    ring,
    requests,
  }: {
    readonly id: string;
    readonly version: string;
    readonly snapshot: Snapshot;
    readonly ring: KeyRing;
    readonly requests: Readonly<Record<string, number>>;
  },
): Promise<void> {
  const { revision } = snapshot;
  const served = Object.entries(servedKeysOf(snapshot.providers.values()));
  const counted = served.map(([slug, one]) => [slug, { ...one, requests_last_hour: requests[slug] ?? 0 }]);
  const serves = JSON.stringify(Object.fromEntries(counted));
  const keyIds = JSON.stringify(ring.keyIds);
  const seenAt = sql<Date>`now() AT TIME ZONE 'UTC'`;
  await db
    .insertInto('keyward_instances')
    .values({ id, version, revision, serves, encryption_key_ids: keyIds, host: hostname(), pid: process.pid })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ revision, serves, encryption_key_ids: keyIds, seen_at: seenAt }),
    )
    .execute();
  await db
    .deleteFrom('keyward_instances')
    .where('seen_at', '<', sql<Date>`(now() AT TIME ZONE 'UTC') - interval '1 hour'`)
    .execute();
}

/** It lives no more from now on. Its row stays for an hour, since what it counted is of that hour too. */
export async function endInstance(db: Kysely<Tables>, id: string): Promise<void> {
  await db.updateTable('keyward_instances').set({ seen_at: longSilent }).where('id', '=', id).execute();
}

/** For the owner of an embedded engine: whoever is listed was killed and cannot say so. */
export async function endInstances(db: Kysely<Tables>): Promise<void> {
  await db
    .updateTable('keyward_instances')
    .set({ seen_at: sql<Date>`least(seen_at, ${longSilent})` })
    .execute();
}

/** No sign of life for as long as makes it dead. */
const longSilent = sql<Date>`(now() AT TIME ZONE 'UTC') - make_interval(secs => ${sql.lit(liveForSeconds + 1)})`;

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
    encryptionKeyIds: row.encryption_key_ids,
    startedAt: row.started_at,
    seenAt: row.seen_at,
  }));
}

/**
 * How many requests the servers got for each provider within the last hour, by slug. Of one that has ended it is known
 * what the hour before its end brought: as much of it counts as lies in the last hour, as if it had come evenly.
 */
export async function requestsLastHour(db: Kysely<Tables>): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ serves: ServedKeys; share: number }>`
    SELECT serves, CASE WHEN silent <= ${sql.lit(liveForSeconds)} THEN 1 ELSE 1 - silent / 3600 END AS share
      FROM (SELECT serves, extract(epoch FROM (now() AT TIME ZONE 'UTC') - seen_at)::float8 AS silent
              FROM keyward_instances) AS seen
     WHERE silent < 3600`.execute(db);
  const requests = new Map<string, number>();
  for (const { serves, share } of rows) {
    for (const [slug, { requests_last_hour: count = 0 }] of Object.entries(serves))
      requests.set(slug, (requests.get(slug) ?? 0) + count * share);
  }
  return new Map(Array.from(requests, ([slug, count]) => [slug, Math.round(count)]));
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
  return waitForInstances(db, (instance) => instance.revision >= revision, timeoutMs);
}

/**
 * Waits until it is so for every live instance, or the time is up.
 * @param onWaiting told at each look of those for which it is not so yet
 */
export async function waitForInstances(
  db: Kysely<Tables>,
  isSo: (instance: LiveInstance) => boolean,
  timeoutMs: number,
  onWaiting: (behind: readonly LiveInstance[]) => void = () => undefined,
): Promise<Applied> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const live = await listLiveInstances(db);
    const behind = live.filter((instance) => !isSo(instance));
    if (behind.length === 0 || performance.now() > deadline) return { live, behind };
    onWaiting(behind);
    await new Promise((resolve) => setTimeout(resolve, askMs));
  }
}
