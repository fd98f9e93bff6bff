/** The keeper: a change is in force at once by notification, soon by polling, and never lost with a connection. */
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/open-database.ts';
import type { Database } from '../../src/database/database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { createLogger, type Logger } from '../../src/foundation/logger.ts';
import { setSource } from '../../src/keys/change-provider.ts';
import { SnapshotKeeper } from '../../src/keys/snapshot-keeper.ts';
import type { Snapshot } from '../../src/keys/snapshot.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { startBreakableLink, type BreakableLink } from '../support/breakable-link.ts';
import { describeOnUsualDatabases, openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { snapshotSource, type SnapshotSource } from '../support/snapshot-source.ts';

const never = 3_600_000;

interface Kept {
  readonly keeper: SnapshotKeeper;
  readonly source: SnapshotSource;
  /** Every snapshot that came into force, in order. */
  readonly replaced: Snapshot[];
  readonly lines: string[];
  /** Settles when the snapshot in force is of this revision or a later one. */
  reaches(revision: number): Promise<void>;
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map(async (stop) => stop()));
});

async function keep(
  database: Database,
  { pollMs = never, load }: { pollMs?: number; load?: (source: SnapshotSource) => Promise<Snapshot> } = {},
): Promise<Kept> {
  const source = await snapshotSource({ database });
  const replaced: Snapshot[] = [];
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const keeper = new SnapshotKeeper({
    database,
    pollMs,
    log: logTo(lines),
    load: async () => (load === undefined ? source.load() : load(source)),
    onReplaced: (snapshot) => {
      replaced.push(snapshot);
      for (const look of waiting) look();
    },
  });
  await keeper.start();
  stops.push(async () => keeper.stop());
  const reaches = async (revision: number): Promise<void> => {
    while (keeper.current().revision < revision) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      await promise;
      waiting.delete(resolve);
    }
  };
  return { keeper, source, replaced, lines, reaches };
}

/** So that only what a test asks for leads to a look. */
const hearingNothing = (database: Database): Database => ({
  ...database,
  listen: async () => async () => undefined,
});

function logTo(lines: string[]): Logger {
  return createLogger({
    level: 'debug',
    format: 'json',
    scrub: (line) => line,
    write: (line) => lines.push(line),
  });
}

async function changeBySql(client: pg.Client): Promise<number> {
  await client.query(`UPDATE llm_providers SET is_active = NOT is_active WHERE provider_slug = 'groq'`);
  const { rows } = await client.query<{ revision: string }>('SELECT revision FROM keyward_revision');
  return Number(rows[0]?.revision);
}

describeOnUsualDatabases('the snapshot in force', (opened) => {
  it('is replaced on a notification, without any polling', async () => {
    const client = await opened().connect();
    const { keeper, replaced, reaches } = await keep(opened().database);
    expect(replaced).toHaveLength(1);
    await reaches(await changeBySql(client));
    expect(replaced.at(-1)).toBe(keeper.current());
    expect(keeper.current().providers.has('groq')).toBe(false);
  });

  it('is replaced in every instance', async () => {
    const client = await opened().connect();
    const others = await Promise.all([opened().reopen(), opened().reopen()]);
    const kept = await Promise.all([opened().database, ...others].map(async (database) => keep(database)));
    const revision = await changeBySql(client);
    await Promise.all(kept.map(async ({ reaches }) => reaches(revision)));
    expect(kept.map(({ keeper }) => keeper.current().revision)).toEqual([revision, revision, revision]);
  });

  it('is replaced by polling where nobody can listen, as behind a pooler', async () => {
    const client = await opened().connect();
    const deaf: Database = {
      ...opened().database,
      listen: async () => Promise.reject(new Error('this pooler does not do LISTEN')),
    };
    const { reaches, lines } = await keep(deaf, { pollMs: 50 });
    expect(lines.join('')).toContain('polling only');
    await reaches(await changeBySql(client));
  });

  it('stays where nothing changed, however often somebody looks', async () => {
    const { keeper, replaced } = await keep(opened().database);
    const first = keeper.current();
    for (let times = 0; times < 5; times += 1) await keeper.refresh();
    expect(replaced).toEqual([first]);
    expect(keeper.current()).toBe(first);
  });

  it('has, after a refresh, everything that was committed before the call, also during a look', async () => {
    const client = await opened().connect();
    let loads = 0;
    let asked: Promise<void> | undefined;
    const { keeper, source } = await keep(hearingNothing(opened().database), {
      load: async (from) => {
        const snapshot = await from.load();
        loads += 1;
        // This look has read already; only another one can see what is committed now.
        if (loads === 2) {
          await changeBySql(client);
          asked = keeper.refresh();
        }
        return snapshot;
      },
    });
    await changeBySql(client);
    await keeper.refresh();
    await asked;
    expect(asked).toBeDefined();
    expect(keeper.current().revision).toBe((await source.load()).revision);
  });

  it('has it also when the call comes at the very end of a look', async () => {
    const database = hearingNothing(opened().database);
    const parts = await changePartsOn(database);
    const makeSource = async (sourceName: string) =>
      setSource(parts, occasionOfTests, 'groq', { source: sourceName });
    let change: Promise<{ revision: number }> | undefined;
    const { keeper, replaced, source } = await keep(database, {
      load: async (from) => {
        const snapshot = await from.load();
        // Committed after this look has read, and before the call below.
        const { revision } = change === undefined ? { revision: 0 } : await change;
        if (revision > 0 && replaced.length === 1) await makeSource('hybrid');
        return snapshot;
      },
    });
    let late: Promise<void> | undefined;
    const { push } = replaced;
    replaced.push = (...snapshots) => {
      // Runs when the look has ended and those who wait for it have not been told yet.
      queueMicrotask(() => {
        late ??= keeper.refresh();
      });
      return push.apply(replaced, snapshots);
    };
    change = makeSource('database');
    await change;
    await keeper.refresh();
    await late;
    const fresh = await source.load();
    expect(keeper.current().revision).toBe(fresh.revision);
  });

  it('costs one look for many that ask at once', async () => {
    const client = await opened().connect();
    let loads = 0;
    const { keeper } = await keep(opened().database, {
      load: async (source) => {
        loads += 1;
        return source.load();
      },
    });
    await changeBySql(client);
    const before = opened().database.queriesSent();
    await Promise.all(Array.from({ length: 100 }, async () => keeper.refresh()));
    expect(loads).toBe(2);
    // Two looks at the revision and one load, and a notification may have asked as well.
    expect(opened().database.queriesSent() - before).toBeLessThan(15);
  });

  it('stays when a load fails, and the reason is known until one succeeds', async () => {
    const client = await opened().connect();
    let broken = false;
    const { keeper, lines } = await keep(opened().database, {
      load: async (source) => (broken ? Promise.reject(new Error('no such column')) : source.load()),
    });
    const first = keeper.current();
    broken = true;
    await changeBySql(client);
    await keeper.refresh();
    await keeper.refresh();
    expect([keeper.current(), keeper.databaseError()]).toEqual([first, 'no such column']);
    expect(lines.filter((line) => line.includes('serving from the last snapshot'))).toHaveLength(1);
    broken = false;
    await keeper.refresh();
    expect(keeper.databaseError()).toBeNull();
    expect(keeper.current()).not.toBe(first);
    expect(lines.join('')).toContain('the database answers again');
  });
});

describe('a keeper', () => {
  it('has no snapshot before its start, and none when the first cannot be read', async () => {
    const opened = await openOn('postgres');
    await opened.empty({ migrate: false });
    const keeper = new SnapshotKeeper({
      database: opened.database,
      pollMs: never,
      log: logTo([]),
      load: async () => Promise.reject(new Error('nothing there')),
      onReplaced: () => undefined,
    });
    expect(() => keeper.current()).toThrow('was not started');
    await expect(keeper.start()).rejects.toThrow('nothing there');
    await keeper.stop();
    await opened.close();
  });
});

describe('when connections break, on a real PostgreSQL', () => {
  let opened: OpenedDatabase;
  let client: pg.Client;
  let link: BreakableLink;
  let database: Database;

  beforeEach(async () => {
    opened = await openOn('postgres');
    await opened.empty();
    client = await opened.connect();
    const url = new URL(opened.environment['DATABASE_URL'] ?? '');
    link = await startBreakableLink({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${link.port}`;
    database = await openDatabase(loadConfig({ DATABASE_URL: url.href }).database, {
      as: 'server',
      onProgress: () => undefined,
      onIdleError: () => undefined,
    });
  });

  afterEach(async () => {
    await Promise.all(stops.splice(0).map(async (stop) => stop()));
    await database.close();
    await link.close();
    await opened.close();
  });

  const listeners = async (): Promise<number> => {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
    );
    return rows[0]?.n ?? -1;
  };
  const endListeners = async (): Promise<unknown> =>
    client.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
    );

  it('the keeper listens again after the server has ended its connection, and sees what changed meanwhile', async () => {
    const { reaches } = await keep(database);
    await endListeners();
    expect(await listeners()).toBe(0);
    const meanwhile = await changeBySql(client);
    await reaches(meanwhile);
    await expect.poll(listeners, { timeout: 10_000 }).toBe(1);
    await reaches(await changeBySql(client));
  });

  it('the last snapshot stays in force while the database is gone, and the next comes when it is back', async () => {
    const { keeper, reaches, lines } = await keep(database, { pollMs: 50 });
    const last = keeper.current();
    link.cut();
    const meanwhile = await changeBySql(client);
    await expect.poll(() => keeper.databaseError(), { timeout: 10_000 }).not.toBeNull();
    await keeper.refresh();
    expect(keeper.current()).toBe(last);
    expect(lines.filter((line) => line.includes('serving from the last snapshot'))).toHaveLength(1);
    link.mend();
    await reaches(meanwhile);
    await expect.poll(() => keeper.databaseError(), { timeout: 10_000 }).toBeNull();
  });

  it('the keeper does not try ever more often to listen while the database is gone', async () => {
    await keep(database);
    link.cut();
    const { attempts } = link;
    const startedAt = performance.now();
    await expect.poll(() => link.attempts - attempts, { timeout: 20_000 }).toBeGreaterThanOrEqual(5);
    expect(performance.now() - startedAt).toBeGreaterThan(3_500);
    link.mend();
    await expect.poll(listeners, { timeout: 10_000 }).toBe(1);
    await endListeners();
    await expect.poll(listeners, { timeout: 10_000 }).toBe(1);
  });

  it('nothing is left of it once it has stopped, not even when it was just about to listen again', async () => {
    const { promise: about, resolve: isAbout } = Promise.withResolvers<void>();
    const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
    const { promise: listened, resolve: hasListened } = Promise.withResolvers<void>();
    let times = 0;
    const { keeper } = await keep({
      ...database,
      listen: async (...parameters) => {
        times += 1;
        if (times === 1) return database.listen(...parameters);
        isAbout();
        await gate;
        const stop = await database.listen(...parameters);
        hasListened();
        return stop;
      },
    });
    await endListeners();
    await about;
    await keeper.stop();
    openGate();
    await listened;
    await expect.poll(listeners, { timeout: 10_000 }).toBe(0);
  });
});
