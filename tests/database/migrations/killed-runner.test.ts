/**
 * A runner that is killed, or loses its connection, at any statement or at any moment: what it was at is
 * there whole or not at all, and the next run goes on by itself.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyMigrations } from '../../../src/database/migrations/apply.ts';
import { backupTable } from '../../../src/database/migrations/key-backup.ts';
import { rollBackMigrations } from '../../../src/database/migrations/roll-back.ts';
import { readContents } from '../../support/database-contents.ts';
import { type Cut, startCuttingLink } from '../../support/cutting-link.ts';
import { atDepth } from '../../support/depth.ts';
import { openOn } from '../../support/keyward-database.ts';
import { KeywardProcess, runKeyward } from '../../support/keyward-process.ts';
import {
  applyQuietly,
  byPort,
  known,
  MigrationStages,
  openUrl,
  serverAddress,
  stages,
  threeKeys,
  untilAlone,
  withClient,
} from '../../support/migration-stages.ts';
import { tellFigure } from '../../support/promise-figures.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 180_000 });

const promise = 'a killed runner leaves before or after';
const newest = stages.at(-1) ?? '';
const directory = useTemporaryDirectory();
let allStages: MigrationStages;

beforeAll(async () => {
  allStages = await MigrationStages.prepare();
});
afterAll(async () => allStages.drop());

/** What a runner is killed at. */
interface Work {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly run: (url: string) => Promise<void>;
  /** Where it begins after a rollback: the stage of before, and what was kept of it. */
  readonly rolledBackFrom?: string;
}

async function applyTo(url: string, to: string): Promise<void> {
  const database = await openUrl(url);
  try {
    await applyMigrations(database.kysely, known, { ...applyQuietly, to });
  } finally {
    await database.close();
  }
}

async function rollBackTo(url: string, to: string): Promise<void> {
  const database = await openUrl(url);
  try {
    await rollBackMigrations(database.kysely, known, {
      to,
      confirmed: true,
      backupDirectory: directory(),
      lockTimeoutMs: 2_000,
      onWaiting: () => undefined,
    });
  } finally {
    await database.close();
  }
}

const works: readonly Work[] = [
  { name: 'applying 002', from: '001', to: '002', run: async (url) => applyTo(url, '002') },
  { name: 'applying 004', from: '003', to: '004', run: async (url) => applyTo(url, '004') },
  {
    name: 'applying 006 where a rollback kept the trail',
    from: '005',
    to: '006',
    run: async (url) => applyTo(url, '006'),
    rolledBackFrom: '006',
  },
  {
    name: 'applying 007 where a rollback kept settings',
    from: '006',
    to: '007',
    run: async (url) => applyTo(url, '007'),
    rolledBackFrom: '007',
  },
  {
    name: `rolling back from ${newest}`,
    from: newest,
    to: '001',
    run: async (url) => rollBackTo(url, '001'),
  },
];

const isRollback = ({ from, to }: Work): boolean => to < from;

const bindKeys = `UPDATE llm_providers SET api_key_binding = 'binding of ' || provider_slug WHERE encrypted_api_key IS NOT NULL`;

const savedKeys = ['anthropic', 'groq', 'openai'].map((slug) => ({ slug, token: `token-of-${slug}` }));

/** A fresh database at the stage where the work begins, with keys in it where there is a place for them; and an onlooker. */
async function prepare(work: Work): Promise<{ url: string; onlooker: pg.Client; drop: () => Promise<void> }> {
  const { from, rolledBackFrom } = work;
  const { url, drop } = await allStages.copy(rolledBackFrom ?? from);
  const onlooker = new Client({ connectionString: url });
  await onlooker.connect();
  if (isRollback(work) || rolledBackFrom !== undefined) await onlooker.query(threeKeys);
  if ((rolledBackFrom ?? from) >= '007') await onlooker.query(bindKeys);
  if (rolledBackFrom !== undefined) await rollBackTo(url, from);
  return {
    url,
    onlooker,
    drop: async () => {
      await onlooker.end();
      await drop();
    },
  };
}

/** Runs the work to its end, and proves that it is there. */
async function finish(work: Work, url: string, onlooker: pg.Client): Promise<void> {
  await work.run(url);
  expect(await allStages.stageOf(onlooker)).toBe(work.to);
  if (isRollback(work)) {
    const { rows } = await onlooker.query(
      `SELECT provider_slug AS slug, encrypted_api_key AS token FROM ${backupTable} ORDER BY 1`,
    );
    expect(rows).toEqual(savedKeys);
    expect(await keptNow(onlooker)).toEqual([
      'keyward_audit_saved_chain',
      'keyward_audit_saved_events',
      'keyward_audit_saved_foreign_changes',
      'keyward_saved_key_versions',
      'keyward_saved_management_keys',
      'keyward_saved_rotation_schedules',
      'keyward_saved_rotation_traffic',
      'keyward_saved_rotations',
      'llm_providers_settings_backup_007',
      backupTable,
    ]);
  }
  if (work.rolledBackFrom === undefined) return;
  expect(await keptNow(onlooker)).toEqual([]);
  if (work.to === '006')
    expect(await count(onlooker, `keyward_foreign_changes WHERE operation = 'UPDATE'`)).toBe(3);
  if (work.to === '007')
    expect(
      await count(onlooker, `llm_providers WHERE api_key_binding = 'binding of ' || provider_slug`),
    ).toBe(3);
}

async function count(onlooker: pg.Client, what: string): Promise<number> {
  const { rows } = await onlooker.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${what}`);
  return rows[0]?.count ?? 0;
}

/** The tables that hold what rollbacks kept. */
async function keptNow(onlooker: pg.Client): Promise<string[]> {
  const { rows } = await onlooker.query<{ relname: string }>(
    `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname ~ '_saved_|_backup_' ORDER BY 1`,
  );
  return rows.map(({ relname }) => relname);
}

async function contentsSeenBy(onlooker: pg.Client): Promise<unknown> {
  await untilAlone(onlooker);
  return readContents(onlooker);
}

async function failureOf(running: Promise<void>): Promise<unknown> {
  return running.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Of the requests that a link is cut at, and the statements that a server process dies at, each or every sixth. */
const stride = atDepth({ usual: 6, thorough: 1 });
/** Which ones is another choice in every run. */
const beforeFirst = (): number => -Math.floor(Math.random() * stride);

const lostConnection = {
  exitCode: 1,
  message: expect.stringMatching(/^[^\n]*(connection to the database was lost|does not answer)[^\n]*$/),
};

// What a runner asks is alike for all; after a rollback only the SQL differs.
describe.each(works.filter(({ rolledBackFrom }) => rolledBackFrom === undefined))('while $name', (work) => {
  it.each(['withheld', 'unheard'] as const)(
    'a connection that is cut at any request, which is %s, leaves before or after, and the next run goes on',
    async (how: Cut) => {
      const { url, onlooker, drop } = await prepare(work);
      const before = await contentsSeenBy(onlooker);
      let at = beforeFirst();
      for (let isDone = false; !isDone;) {
        at += stride;
        const link = await startCuttingLink(serverAddress(), { at, how });
        const failure = await failureOf(work.run(byPort(url, link.port)));
        await link.close();
        if (failure === undefined) break;
        expect(failure).toMatchObject(lostConnection);
        isDone = (await allStages.stageOf(onlooker)) === work.to;
        // Only the answer to the COMMIT can be lost when the work is done.
        if (isDone) expect(how).toBe('unheard');
        else expect(await contentsSeenBy(onlooker)).toEqual(before);
      }
      expect(at).toBeGreaterThan(20);
      await finish(work, url, onlooker);
      await drop();
      // Of the rollback that happened, and of one whose COMMIT got no answer: nobody could tell it from that one.
      const files = readdirSync(directory());
      const withheldCommits = how === 'withheld' ? 1 : 0;
      expect(files.length).toBeGreaterThanOrEqual(isRollback(work) ? 1 : 0);
      expect(files.length).toBeLessThanOrEqual(isRollback(work) ? 1 + withheldCommits : 0);
      for (const file of files) rmSync(join(directory(), file));
      tellFigure(promise, `${work.name}: cut at ${one(stride)} of ${at} requests (${how})`);
    },
  );
});

describe.each(works)('while $name', (work) => {
  it('a server process that dies at any statement of the SQL leaves before, and the next run goes on', async () => {
    const { url, onlooker, drop } = await prepare(work);
    await onlooker.query(dieAtStatement);
    const before = await contentsSeenBy(onlooker);
    let at = beforeFirst();
    for (;;) {
      at += stride;
      await onlooker.query(`ALTER DATABASE ${onlooker.database ?? ''} SET death.at = ${at}`);
      const failure = await failureOf(work.run(url));
      if (failure === undefined) break;
      expect(failure).toMatchObject(lostConnection);
      expect(await contentsSeenBy(onlooker)).toEqual(before);
    }
    expect(at).toBeGreaterThan(10);
    await onlooker.query(`ALTER DATABASE ${onlooker.database ?? ''} RESET death.at`);
    await finish(work, url, onlooker);
    await drop();
    for (const file of readdirSync(directory())) rmSync(join(directory(), file));
    tellFigure(promise, `${work.name}: died at ${one(stride)} of ${at - 1} statements that define something`);
  });
});

function one(of: number): string {
  return of === 1 ? 'each' : `one in ${of}`;
}

/** Counts the statements of a transaction that define something; at the one that is set, the server process ends. */
const dieAtStatement = `
  CREATE SCHEMA death;
  CREATE FUNCTION death.count() RETURNS event_trigger LANGUAGE plpgsql AS $$
  DECLARE
    statements INTEGER := coalesce(nullif(current_setting('death.statements', true), ''), '0')::integer + 1;
  BEGIN
    PERFORM set_config('death.statements', statements::text, true);
    IF statements = nullif(current_setting('death.at', true), '')::integer THEN
      PERFORM pg_terminate_backend(pg_backend_pid());
    END IF;
  END $$;
  CREATE EVENT TRIGGER death ON ddl_command_end EXECUTE FUNCTION death.count()`;

/** Starts a runner and waits until it is at the database. */
async function startRunner(environment: Readonly<Record<string, string>>, way: Way): Promise<KeywardProcess> {
  const runner = new KeywardProcess(['migrate', '--yes', ...ways[way]], environment);
  await runner.said(/Connected to database/);
  return runner;
}

type Way = 'forwards' | 'backwards';
const ways: Readonly<Record<Way, readonly string[]>> = { forwards: [], backwards: ['--rollback'] };

/** How long an undisturbed runner is at the database, there and back: the moments to choose from. */
async function undisturbed(
  environment: Readonly<Record<string, string>>,
): Promise<Readonly<Record<Way, number>>> {
  const measure = async (way: Way): Promise<number> => {
    const runner = await startRunner(environment, way);
    const startedAt = performance.now();
    const { exitCode, stderr } = await runner.ended();
    expect(exitCode, stderr).toBe(0);
    return performance.now() - startedAt;
  };
  const forwards = await measure('forwards');
  return { forwards, backwards: await measure('backwards') };
}

async function killAtRandom(
  environment: Readonly<Record<string, string>>,
  way: Way,
  withinMs: number,
): Promise<void> {
  const runner = await startRunner(environment, way);
  // A little beyond, so that some come too late.
  await delay(Math.random() * withinMs * 1.6);
  runner.kill('SIGKILL');
  await runner.ended();
}

describe('a runner that is killed by SIGKILL at a random moment', () => {
  it('on PostgreSQL, forwards or backwards, leaves one whole stage, and no key is ever lost', async () => {
    const { url, drop } = await allStages.copy('000');
    const environment = { DATABASE_URL: url, KEYWARD_DATA_DIR: directory() };
    const duration = await undisturbed(environment);
    const seen: string[] = [];
    const kills = atDepth({ usual: 5, thorough: 45 });
    await withClient(url, async (onlooker) => {
      await applyTo(url, newest);
      await onlooker.query(threeKeys);
      for (let kill = 0; kill < kills; kill += 1) {
        const way = (await allStages.stageOf(onlooker)) === newest ? 'backwards' : 'forwards';
        await killAtRandom(environment, way, duration[way]);
        await untilAlone(onlooker);
        seen.push(await allStages.stageOf(onlooker));
        expect(stages).toContain(seen.at(-1));
        expect(await keptKeys(onlooker)).toEqual(savedKeys);
      }
      const last = await runKeyward(['migrate', '--yes'], environment);
      expect(last.exitCode, last.stderr).toBe(0);
      expect(await allStages.stageOf(onlooker)).toBe(newest);
      expect(await keptKeys(onlooker)).toEqual(savedKeys);
    });
    await drop();
    tellFigure(promise, `${seen.length} times SIGKILL at random on PostgreSQL: ${seen.join(' ')}`);
  });

  it('on the embedded engine leaves one whole stage, and the next goes on', async () => {
    const opened = await openOn('embedded');
    await opened.empty({ migrate: false });
    await opened.letGo();
    const duration = await undisturbed(opened.environment);
    const seen: string[] = [];
    const kills = atDepth({ usual: 2, thorough: 10 });
    for (let kill = 0; kill < kills; kill += 1) {
      const way = seen.at(-1) === newest ? 'backwards' : 'forwards';
      await killAtRandom(opened.environment, way, duration[way]);
      await opened.restart();
      seen.push(await allStages.stageOf(await opened.connect()));
      expect(stages).toContain(seen.at(-1));
      await opened.letGo();
    }
    await opened.restart();
    await applyMigrations(opened.database.kysely, known, applyQuietly);
    expect(await allStages.stageOf(await opened.connect())).toBe(newest);
    await opened.close();
    tellFigure(promise, `${seen.length} times SIGKILL at random on the embedded engine: ${seen.join(' ')}`);
  });
});

/** The keys, wherever they are: in the providers' rows, else in the backup. */
async function keptKeys(client: pg.Client): Promise<unknown[]> {
  const { rows: backup } = await client.query(`SELECT to_regclass('${backupTable}') AS there`);
  const saved =
    (backup[0] as { there: string | null }).there === null
      ? ''
      : `UNION SELECT provider_slug, encrypted_api_key FROM ${backupTable}`;
  const { rows } = await client.query(`
    SELECT provider_slug AS slug, to_jsonb(p) ->> 'encrypted_api_key' AS token FROM llm_providers p
     WHERE to_jsonb(p) ->> 'encrypted_api_key' IS NOT NULL ${saved} ORDER BY 1`);
  return rows;
}
