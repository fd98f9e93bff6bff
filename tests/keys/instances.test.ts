/** The table of running servers: who lives, what each serves, and when a change has reached all of them. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import {
  listLiveInstances,
  newInstanceId,
  requestsLastHour,
  endInstance,
  reportInstance,
  servedKeysOf,
  waitUntilApplied,
} from '../../src/keys/instances.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { servedProvider, snapshotOf } from '../support/snapshot-parts.ts';

const ring = KeyRing.parse(generateEncryptionKey());
const key = new Secret(['planted', 'key', '3b3b'].join('-'), 'fp_0123456789ab');

describeOnUsualDatabases('an instance', (opened) => {
  let client: pg.Client;
  beforeEach(async () => {
    client = await opened().connect();
  });

  const snapshotAt = (revision: number) => ({
    ...snapshotOf([servedProvider('groq', { resolution: { ...servedProvider('groq').resolution, key } })]),
    revision,
  });

  async function report(id: string, revision: number): Promise<void> {
    await reportInstance(opened().database.kysely, {
      id,
      version: '1.2.3',
      snapshot: snapshotAt(revision),
      ring,
      requests: { groq: 5 },
    });
  }

  const live = async () => listLiveInstances(opened().database.kysely);

  it('says who it is and what it serves, without the key itself', async () => {
    const id = newInstanceId();
    await report(id, 7);
    const [instance] = await live();
    expect(instance).toMatchObject({
      id,
      pid: process.pid,
      version: '1.2.3',
      revision: 7,
      encryptionKeyIds: ring.keyIds,
      serves: {
        groq: { source: 'database', fingerprint: 'fp_0123456789ab', fallback: null, requests_last_hour: 5 },
      },
    });
    expect(Math.abs((instance?.startedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const { rows } = await client.query<{ row: string }>('SELECT i::text AS row FROM keyward_instances i');
    expect(rows[0]?.row).not.toContain('3b3b');
    expect(JSON.stringify(servedKeysOf(snapshotAt(1).providers.values()))).not.toContain('3b3b');
  });

  it('tells how many requests it had, and an older server that does not counts for none', async () => {
    await report(newInstanceId(), 1);
    await report(newInstanceId(), 1);
    await client.query(`UPDATE keyward_instances SET serves = serves #- '{groq,requests_last_hour}'
                         WHERE id = (SELECT min(id::text)::uuid FROM keyward_instances)`);
    expect(await requestsLastHour(opened().database.kysely)).toEqual(new Map([['groq', 5]]));
  });

  it('that has ended goes on counting for as much of its last hour as lies in this one', async () => {
    const { kysely } = opened().database;
    const [stops, killed] = [newInstanceId(), newInstanceId()];
    await report(newInstanceId(), 1);
    await report(stops, 1);
    await endInstance(kysely, stops);
    expect(await requestsLastHour(kysely)).toEqual(new Map([['groq', 10]]));
    await report(killed, 1);
    await client.query(
      `UPDATE keyward_instances SET seen_at = seen_at - interval '36 minutes' WHERE id = $1`,
      [killed],
    );
    expect(await requestsLastHour(kysely)).toEqual(new Map([['groq', 12]]));
    await client.query(
      `UPDATE keyward_instances SET seen_at = seen_at - interval '61 minutes' WHERE id IN ($1, $2)`,
      [killed, stops],
    );
    expect(await requestsLastHour(kysely)).toEqual(new Map([['groq', 5]]));
  });

  it('that reports again moves its revision and its sign of life, and stays one', async () => {
    const id = newInstanceId();
    await report(id, 1);
    await client.query(`UPDATE keyward_instances SET seen_at = seen_at - interval '10 seconds'`);
    const [before] = await live();
    await report(id, 2);
    const after = await live();
    expect(after).toHaveLength(1);
    expect(after[0]).toMatchObject({ id, revision: 2, startedAt: before?.startedAt });
    expect(after[0]?.seenAt.getTime()).toBeGreaterThan(before?.seenAt.getTime() ?? Infinity);
  });

  it('that was silent for 15 seconds counts as dead, after an hour it is forgotten', async () => {
    const [silent, gone] = [newInstanceId(), newInstanceId()];
    await report(silent, 1);
    await report(gone, 1);
    await client.query(
      `UPDATE keyward_instances SET seen_at = seen_at - interval '16 seconds' WHERE id = $1`,
      [silent],
    );
    await client.query(
      `UPDATE keyward_instances SET seen_at = seen_at - interval '61 minutes' WHERE id = $1`,
      [gone],
    );
    const alive = newInstanceId();
    await report(alive, 1);
    expect((await live()).map(({ id }) => id)).toEqual([alive]);
    const { rows } = await client.query<{ id: string }>('SELECT id FROM keyward_instances ORDER BY seen_at');
    expect(rows.map(({ id }) => id)).toEqual([silent, alive]);
  });

  it('that stops takes itself off the list, and only itself', async () => {
    const [stays, stops] = [newInstanceId(), newInstanceId()];
    await report(stays, 1);
    await report(stops, 1);
    await endInstance(opened().database.kysely, stops);
    expect((await live()).map(({ id }) => id)).toEqual([stays]);
  });

  it('does not move the revision by its signs of life', async () => {
    const revision = async (): Promise<unknown> =>
      (await client.query('SELECT revision FROM keyward_revision')).rows;
    const before = await revision();
    const id = newInstanceId();
    await report(id, 1);
    await report(id, 2);
    await endInstance(opened().database.kysely, id);
    expect(await revision()).toEqual(before);
  });

  it('is not waited for when there is none', async () => {
    expect(await waitUntilApplied(opened().database.kysely, 99, 60_000)).toEqual({ live: [], behind: [] });
  });

  it('is waited for until it serves the revision, or a later one', async () => {
    const [one, other] = [newInstanceId(), newInstanceId()];
    await report(one, 5);
    await report(other, 4);
    let done = false;
    const applied = waitUntilApplied(opened().database.kysely, 5, 60_000).finally(() => (done = true));
    await report(one, 6);
    await live();
    expect(done).toBe(false);
    await report(other, 5);
    const { live: all, behind } = await applied;
    expect([all.length, behind]).toEqual([2, []]);
  });

  it('that stays behind is named when the time is up', async () => {
    const [there, behind] = [newInstanceId(), newInstanceId()];
    await report(there, 5);
    await report(behind, 4);
    const applied = await waitUntilApplied(opened().database.kysely, 5, 100);
    expect(applied.behind.map(({ id }) => id)).toEqual([behind]);
    expect(applied.live).toHaveLength(2);
  });

  it('that is dead is not waited for', async () => {
    const dead = randomUUID();
    await report(dead, 1);
    await client.query(`UPDATE keyward_instances SET seen_at = seen_at - interval '16 seconds'`);
    expect(await waitUntilApplied(opened().database.kysely, 5, 60_000)).toEqual({ live: [], behind: [] });
  });
});
