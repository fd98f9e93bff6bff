/**
 * Other programs that read and write the tables while Keyward migrates forth and back: none of their
 * statements fails, and none of their rows is lost.
 */
import { Client } from 'pg';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import { applyMigrations, type ApplyStep } from '../../../src/database/migrations/apply.ts';
import { migrateExit, MigrationFailure } from '../../../src/database/migrations/migration-failure.ts';
import { rollBackMigrations } from '../../../src/database/migrations/roll-back.ts';
import { defaultLockTimeoutMs } from '../../../src/database/migrations/runner-lock.ts';
import {
  applyQuietly,
  known,
  MigrationStages,
  openUrl,
  stages,
  withClient,
} from '../../support/migration-stages.ts';
import { atDepth } from '../../support/depth.ts';
import { tellFigure } from '../../support/promise-figures.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 300_000 });

const directory = useTemporaryDirectory();
let allStages: MigrationStages;
beforeAll(async () => {
  allStages = await MigrationStages.prepare();
});
afterAll(async () => allStages.drop());

/** A program that goes on and on at the tables, with the columns that it has always known. */
interface Program {
  readonly name: string;
  /** @param n grows by one each time */
  readonly step: (client: pg.Client, n: number) => Promise<unknown>;
}

const insertModel = `INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
  SELECT id, 'model', $1, 'Model' FROM llm_providers WHERE provider_slug = 'openai'`;
const countUp = `UPDATE llm_providers SET rate_limit_rpm = coalesce(rate_limit_rpm, 0) + 1 WHERE provider_slug = 'openai'`;

async function inTransaction(
  client: pg.Client,
  ...statements: readonly [string, unknown[]?][]
): Promise<void> {
  await client.query('BEGIN');
  try {
    for (const [text, values] of statements) await client.query(text, values);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

const writesParentFirst = 'writes a provider, then its model';
const writesChildFirst = 'writes a model, then its provider';

const programs: readonly Program[] = [
  {
    name: 'inserts providers',
    step: async (client, n) =>
      client.query(
        `INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ($1, $1, 'Foreign')`,
        [`foreign-${n}`],
      ),
  },
  { name: 'updates a provider', step: async (client) => client.query(countUp) },
  {
    name: writesParentFirst,
    step: async (client, n) => inTransaction(client, [countUp], [insertModel, [`parent-first-${n}`]]),
  },
  {
    name: writesChildFirst,
    step: async (client, n) => inTransaction(client, [insertModel, [`child-first-${n}`]], [countUp]),
  },
  {
    name: 'brings a user key',
    step: async (client, n) =>
      client.query(
        `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) SELECT $1, id, 'x' FROM llm_providers WHERE provider_slug = 'groq'`,
        [`user-${n}`],
      ),
  },
  {
    name: 'reads',
    step: async (client) => client.query('SELECT provider_slug, is_active FROM llm_providers'),
  },
];

interface Run {
  readonly name: string;
  steps: number;
  longestMs: number;
  readonly faults: string[];
}

/** Starts every program; @returns what ends them and tells what each did */
async function startPrograms(url: string): Promise<() => Promise<Run[]>> {
  const end = new AbortController();
  const runs = programs.map(async ({ name, step }): Promise<Run> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    const run: Run = { name, steps: 0, longestMs: 0, faults: [] };
    while (!end.signal.aborted) {
      const startedAt = performance.now();
      await step(client, run.steps + run.faults.length).then(
        () => (run.steps += 1),
        (error: unknown) => run.faults.push(String(error)),
      );
      run.longestMs = Math.max(run.longestMs, performance.now() - startedAt);
    }
    await client.end();
    return run;
  });
  return async () => {
    end.abort();
    return Promise.all(runs);
  };
}

/** Runs again when it gave way for good, as an operator would; how often depends on the others alone. */
async function persistently(run: () => Promise<unknown>): Promise<number> {
  for (let gaveUp = 0; ; gaveUp += 1) {
    try {
      await run();
      return gaveUp;
    } catch (error) {
      if (!(error instanceof MigrationFailure) || error.exitCode !== migrateExit.lockTimeout) throw error;
    }
  }
}

/** Forth and back, that many times; @returns how often it had to wait for a table, and to give up */
async function migrateForthAndBack(
  { kysely }: Database,
  rounds: number,
): Promise<{ waits: number; gaveUp: number }> {
  const found = { waits: 0, gaveUp: 0 };
  const onWaiting = (): void => {
    found.waits += 1;
  };
  const onStep = ({ kind }: ApplyStep): void => {
    if (kind === 'waiting') onWaiting();
  };
  const lock = { lockTimeoutMs: defaultLockTimeoutMs };
  const back = { ...lock, to: '001', confirmed: true, backupDirectory: directory(), onWaiting };
  for (let round = 0; round < rounds; round += 1) {
    found.gaveUp += await persistently(async () =>
      applyMigrations(kysely, known, { ...applyQuietly, ...lock, onStep }),
    );
    found.gaveUp += await persistently(async () => rollBackMigrations(kysely, known, back));
  }
  return found;
}

it('lose no row and have no statement fail while migrations are applied and rolled back', async () => {
  const rounds = atDepth({ usual: 1, thorough: 4 });
  const { url, drop } = await allStages.copy('001');
  const database = await openUrl(url);
  const stop = await startPrograms(url);
  const migrating = migrateForthAndBack(database, rounds);
  await Promise.allSettled([migrating]);
  const runs = await stop();
  const { waits, gaveUp } = await migrating;
  await database.close();

  expect(runs.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`))).toEqual([]);
  const steps = Object.fromEntries(runs.map((run) => [run.name, run.steps]));
  const [parentFirst, childFirst] = [steps[writesParentFirst] ?? 0, steps[writesChildFirst] ?? 0];
  await withClient(url, async (onlooker) => {
    const { rows } = await onlooker.query(`
      SELECT (SELECT count(*)::int FROM llm_providers WHERE display_name = 'Foreign') AS providers,
             (SELECT rate_limit_rpm FROM llm_providers WHERE provider_slug = 'openai') AS counted,
             (SELECT count(*)::int FROM llm_models WHERE model_id LIKE 'parent-first-%') AS parent_first,
             (SELECT count(*)::int FROM llm_models WHERE model_id LIKE 'child-first-%') AS child_first,
             (SELECT count(*)::int FROM user_api_keys) AS user_keys`);
    expect(rows).toEqual([
      {
        providers: steps['inserts providers'],
        counted: (steps['updates a provider'] ?? 0) + parentFirst + childFirst,
        parent_first: parentFirst,
        child_first: childFirst,
        user_keys: steps['brings a user key'],
      },
    ]);
    expect(await allStages.stageOf(onlooker)).toBe('001');
  });
  await drop();
  const longest = runs.map(({ name, longestMs }) => `${name} ${Math.round(longestMs)} ms`).join(', ');
  tellFigure(
    'foreign programs go on while migrations run',
    `${rounds} times to ${stages.at(-1)} and back beside ${runs.reduce((sum, run) => sum + run.steps, 0)} steps of ${runs.length} programs; ` +
      `the runner gave way ${waits} times and up ${gaveUp} times; longest step: ${longest}`,
  );
});
