/**
 * The promise: no orphan keys. A real server is killed at every step of an automatic rotation; after a restart
 * the rotation goes on, and after one sweep the keys that live at the provider are those of the ledger. A key
 * that Keyward did not make is never touched.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { callAdmin } from '../support/administered-keyward.ts';
import { startServerProcess, type KeywardProcess } from '../support/keyward-process.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { rotatingKey } from '../support/rotating.ts';
import { gatewayToken, newPlace, type Place } from '../support/running-keyward.ts';
import {
  managementKey,
  managementPoints,
  StandInManagement,
  type ManagementPoint,
} from '../support/stand-in-management.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const promise = 'no orphan keys';
const slug = 'openrouter';
const admin = `/api/v1/admin/providers/${slug}`;
const foreign = 'made by hand';

let place: Place;
let provider: StandInProvider;
let management: StandInManagement;
let database: pg.Client;
let server: KeywardProcess;
let url = '';
const calling = { goesOn: true };
let callers: Promise<void>;
let failedCalls = 0;
let goodCalls = 0;

beforeAll(async () => {
  place = await newPlace('postgres');
  provider = await startStandInProvider({ keys: [rotatingKey(1)] });
  management = new StandInManagement(provider);
  await management.listen();
  management.addForeign(foreign);
  await start();
  database = new pg.Client({ connectionString: place.environment['DATABASE_URL'] });
  await database.connect();
  await callAdmin(url, `POST ${admin}/set-key`, { body: { api_key: rotatingKey(1) } });
  const stored = await callAdmin(url, `PUT ${admin}/key-management`, {
    body: { credential: managementKey, base_url: management.baseUrl },
  });
  if (stored.status !== 200) throw new Error(stored.text);
  callers = callWithoutEnd();
});
afterAll(async () => {
  calling.goesOn = false;
  await callers;
  server.kill('SIGKILL');
  await server.ended();
  await database.end();
  await management.close();
  await provider.close();
  await place.remove();
});

async function start(): Promise<void> {
  server = startServerProcess({ ...place.environment, OPENROUTER_BASE_URL: provider.baseUrl });
  url = await server.url();
}

/** As after a crash: nobody says goodbye; that it is gone is known at once here, and after 15 s elsewhere. */
async function killAndRestart(): Promise<void> {
  server.kill('SIGKILL');
  await server.ended();
  await database.query('DELETE FROM keyward_instances');
  await start();
}

/** Callers, so that the new key is proven by calls; a killed server answers nobody. */
async function callWithoutEnd(): Promise<void> {
  while (calling.goesOn) {
    const before = server;
    try {
      const response = await fetch(`${url}/api/v1/llm/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${gatewayToken}` },
        body: JSON.stringify({ model: `${slug}/any/model`, messages: [] }),
      });
      await response.text();
      if (response.status === 200) goodCalls += 1;
      else if (before === server && server.isRunning && response.status !== 503) failedCalls += 1;
    } catch {
      // It was killed under this call.
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** Nobody waits for the answer: it may never come. */
function beginRotation(): void {
  callAdmin(url, `POST ${admin}/rotations`, {
    body: {
      mint: true,
      automatic: true,
      canary_percent: 100,
      canary_seconds: 0,
      canary_min_calls: 1,
      soak_seconds: 1,
    },
  }).catch(() => undefined);
}

async function step(): Promise<string> {
  const { rows } = await database.query<{ step: string }>(
    'SELECT step FROM keyward_rotations ORDER BY id DESC LIMIT 1',
  );
  return rows[0]?.step ?? 'none';
}

async function untilStep(...wanted: string[]): Promise<void> {
  await expect.poll(step, { timeout: 60_000, interval: 25 }).toSatisfy((now: string) => wanted.includes(now));
}

/** When every server serves what was committed, and has said so. */
async function untilApplied(): Promise<void> {
  const behind = `SELECT count(*)::int AS count FROM keyward_instances, keyward_revision WHERE keyward_instances.revision < keyward_revision.revision`;
  await expect
    .poll(async () => (await database.query<{ count: number }>(behind)).rows[0]?.count, { timeout: 30_000 })
    .toBe(0);
}

async function sweep() {
  await untilApplied();
  return callAdmin(url, `POST ${admin}/key-management/sweep`, { body: { grace_seconds: 0 } });
}

/** Names of the keys that the ledger says live at the provider. */
async function ledger(): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT minted_name AS name FROM keyward_key_versions WHERE minted_name IS NOT NULL AND state IN ('pending', 'active', 'previous') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function expectNoOrphans(where: string): Promise<void> {
  const answer = await sweep();
  expect([where, answer.status, answer.body['failures'], answer.body['unknown']]).toEqual([
    where,
    200,
    [],
    [foreign],
  ]);
  expect([where, management.live.filter((name) => name !== foreign).toSorted()]).toEqual([
    where,
    await ledger(),
  ]);
  expect(management.live).toContain(foreign);
}

interface Round {
  /** Where the server is killed while the rotation is on its way. */
  readonly during: ManagementPoint | 'staged' | 'canary' | 'soaking';
  /** Where it is killed again, in the sweep that revokes what the rotation left. */
  readonly sweeping?: ManagementPoint;
}

/** Every point once. The first leaves a key behind that nobody has heard of, so that its sweep has one to end. */
const rounds: readonly Round[] = [
  { during: 'mint.made', sweeping: 'disable.arrived' },
  { during: 'mint.arrived', sweeping: 'disable.done' },
  { during: 'mint.answered', sweeping: 'revoke.arrived' },
  { during: 'staged', sweeping: 'revoke.done' },
  { during: 'canary' },
  { during: 'soaking' },
];
const sought = { staged: ['staged', 'tested', 'canary'], canary: ['canary'], soaking: ['soaking'] } as const;

async function killDuring(point: Round['during']): Promise<void> {
  if (point === 'staged' || point === 'canary' || point === 'soaking') {
    beginRotation();
    await untilStep(...sought[point]);
  } else {
    const reached = management.stopAt(point);
    beginRotation();
    await reached;
  }
  await killAndRestart();
}

it('after a kill at any step, a restart and one sweep, what lives at the provider is what the ledger says', async () => {
  let kills = 0;
  const points = rounds.flatMap(({ during, sweeping }) => [during, ...(sweeping ? [sweeping] : [])]);
  expect(points).toEqual(expect.arrayContaining([...managementPoints]));
  for (const { during, sweeping } of rounds) {
    await killDuring(during);
    kills += 1;
    await untilStep('completed');
    if (sweeping !== undefined) {
      const reached = management.stopAt(sweeping);
      sweep().catch(() => undefined);
      await reached;
      await killAndRestart();
      kills += 1;
    }
    await expectNoOrphans(points.slice(0, kills).join(', '));
  }
  const { rows } = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM keyward_rotations WHERE step = 'completed'`,
  );
  expect(rows[0]?.count).toBe(rounds.length);
  expect(goodCalls).toBeGreaterThan(kills);
  expect(failedCalls).toBe(0);
  tellFigure(
    promise,
    `${kills} of ${kills} kills, one at each step of making, trying, promoting, disabling and revoking a key, left no orphan after a restart and one sweep; ${rounds.length} of ${rounds.length} rotations came to their end; the key made by hand was never touched; 0 of ${goodCalls} calls failed in between`,
  );
});
