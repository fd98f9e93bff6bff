/**
 * The promise: no audit, no change. Whatever keeps an event from being written, the whole database is as it
 * was before; and what is written cannot be altered without the verification naming the place.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { shownRoute } from '../../scripts/access-document.ts';
import { adminRoutes } from '../../scripts/admin-routes.ts';
import { AnchoredHeads } from '../../src/audit/read-anchors.ts';
import { verifyAuditTrail } from '../../src/audit/verify-trail.ts';
import { createToken } from '../../src/auth/token-store.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { migrateAtStart } from '../../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey, type ChangeParts } from '../../src/keys/change-provider.ts';
import { usualEngines } from '../support/depth.ts';
import { firstKey, secondKey } from '../support/administered-keyward.ts';
import { ask, refusalOf } from '../support/administrators.ts';
import { auditedChanges, prepareForChanges } from '../support/audited-changes.ts';
import { auditTrailOn, changePartsOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { commandLineAt, encryptionKey } from '../support/command-line.ts';
import { readContents } from '../support/database-contents.ts';
import { describeOnUsualDatabases, openOn, type OpenedDatabase } from '../support/keyward-database.ts';
import { manualClock } from '../support/manual-clock.ts';
import { mutatingRoutes } from '../support/mutating-routes.ts';
import { startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { undone } from '../support/migrated-database.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { fillDisk, mountSmallDisk } from '../support/small-disk.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';
import {
  anyTampering,
  asSuperuser,
  firstDifference,
  isRefusedByTable,
  readRows,
  withoutGuard,
} from '../support/tampering.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const promise = 'no audit, no change';
const key = new Secret(['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-'));

/** What keeps an event from being written, as SQL that plants it and SQL that takes it away again. */
const obstacles: readonly (readonly [name: string, plant: string, remove: string])[] = [
  [
    'a check refuses the row',
    'ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (false) NOT VALID',
    'ALTER TABLE keyward_audit_events DROP CONSTRAINT planted',
  ],
  [
    'a trigger fails',
    `CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$;
     CREATE TRIGGER planted AFTER INSERT ON keyward_audit_events FOR EACH ROW EXECUTE FUNCTION planted()`,
    'DROP TRIGGER planted ON keyward_audit_events; DROP FUNCTION planted()',
  ],
  [
    'the table is gone',
    'ALTER TABLE keyward_audit_events RENAME TO planted',
    'ALTER TABLE planted RENAME TO keyward_audit_events',
  ],
  [
    'the key of the trail is gone',
    `CREATE TABLE planted AS SELECT * FROM keyward_audit_chain; ${withoutGuard('DELETE FROM keyward_audit_chain')}`,
    'INSERT INTO keyward_audit_chain SELECT * FROM planted; DROP TABLE planted',
  ],
  [
    'the key of the trail is another encryption key’s',
    `CREATE TABLE planted AS SELECT * FROM keyward_audit_chain; ${withoutGuard(`UPDATE keyward_audit_chain SET encrypted_audit_key = 'no token'`)}`,
    `${withoutGuard('UPDATE keyward_audit_chain SET encrypted_audit_key = planted.encrypted_audit_key FROM planted')}; DROP TABLE planted`,
  ],
];

const foreignChange = `UPDATE llm_providers SET display_name = 'by SQL' WHERE provider_slug = 'mistral'`;

async function isRefused(change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return false;
  } catch {
    return true;
  }
}

describeOnUsualDatabases(`${promise}:`, (opened) => {
  it('of every change that Keyward makes, whatever keeps the event from being written', async () => {
    const client = await opened().connect();
    const parts = await changePartsOn(opened().database);
    await prepareForChanges(parts);
    await client.query(foreignChange);
    let tried = 0;
    for (const [obstacle, plant, remove] of obstacles) {
      await client.query(plant);
      const before = await readContents(client);
      for (const { name, change } of auditedChanges) {
        // As a process that had written before, and as one that has just started.
        for (const audit of [parts.audit, auditTrailOn(opened().database, parts.ring)]) {
          const refused = await isRefused(async () => change(opened().database, { ...parts, audit }));
          expect([name, obstacle, refused]).toEqual([name, obstacle, true]);
          expect([name, obstacle, await readContents(client)]).toEqual([name, obstacle, before]);
          tried += 1;
        }
      }
      await client.query(remove);
    }
    await expectAllToWork(opened(), parts, client);
    tellFigure(
      promise,
      `${opened().engine}: ${auditedChanges.length} kinds of change, ${obstacles.length} obstacles: ${tried} of ${tried} refused with every row and the catalogue as before`,
    );
  });
});

/** Each change would have changed something: else that nothing changed above would prove nothing. */
async function expectAllToWork(opened: OpenedDatabase, parts: ChangeParts, client: pg.Client): Promise<void> {
  for (const { name, change } of auditedChanges) {
    const before = await readContents(client);
    await change(opened.database, parts);
    const after = await readContents(client);
    expect([name, after['rows of keyward_audit_events']]).not.toEqual([
      name,
      before['rows of keyward_audit_events'],
    ]);
  }
}

describe(`${promise}: on a full disk`, () => {
  it('nothing changes, and with space again everything goes on', async (context) => {
    const disk = await mountSmallDisk(24);
    if (disk === undefined) {
      context.skip('no disk can be mounted here');
      return;
    }
    const { url } = disk.database;
    const database = await openDatabase(loadConfig({ DATABASE_URL: url }).database, {
      as: 'server',
      onProgress: () => undefined,
      onIdleError: () => undefined,
    });
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await migrateAtStart(database, () => undefined);
      const parts = await changePartsOn(database);
      await prepareForChanges(parts);
      await client.query(foreignChange);
      await fillDisk(client);
      let refused = 0;
      for (const { name, change } of auditedChanges) {
        // What fits into a page that is there already is no proof: the same again, until one does not fit.
        for (let turn = 0; turn < 100; turn += 1) {
          const before = await readContents(client);
          if (!(await isRefused(async () => change(database, parts)))) continue;
          expect([name, await readContents(client)]).toEqual([name, before]);
          refused += 1;
          break;
        }
      }
      expect(refused).toBeGreaterThan(8);
      disk.grow(64);
      await createToken(parts.audit, occasionOfTests, { kind: 'gateway', name: 'with space again' });
      expect(await verifyAuditTrail({ db: database.kysely, ring: parts.ring })).toMatchObject({
        whole: true,
      });
      tellFigure(promise, `full disk: ${refused} kinds of change refused, every row as before`);
    } finally {
      await client.end();
      await database.close();
      await disk.remove();
    }
  });
});

describe(`${promise}: by command`, () => {
  let opened: OpenedDatabase;
  let provider: StandInProvider;
  beforeAll(async () => {
    opened = await openOn('postgres');
    await opened.empty();
    provider = await startStandInProvider({ keys: [key.reveal()] });
  });
  afterAll(async () => {
    await provider.close();
    await opened.close();
  });

  it.each([
    'keys set openrouter',
    'keys source openrouter hybrid',
    'keys remove openrouter --yes',
    'keys test openrouter',
    'tokens create another',
    'tokens create another --admin',
    'tokens revoke 1',
    'audit retain --keep-days 0 --yes',
  ])('keyward %s ends with 1, says why, and has changed nothing', async (words) => {
    await opened.empty();
    const parts = await changePartsOn(opened.database, KeyRing.parse(new Secret(encryptionKey)));
    await storeKey(parts, occasionOfTests, 'openrouter', { key, source: 'database' });
    await createToken(parts.audit, occasionOfTests, { kind: 'gateway', name: 'an application' });
    const { run } = commandLineAt({
      ...opened.environment,
      BYOK_ENCRYPTION_KEY: encryptionKey,
      OPENROUTER_BASE_URL: provider.baseUrl,
    });
    const client = await opened.connect();
    const [, plant, remove] = obstacles[0] ?? ['', '', ''];
    await client.query(plant);
    const before = await readContents(client);
    const { exitCode, stdout, stderr } = await run(words, { input: `${key.reveal()}-2` });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /^keyward: The audit trail cannot be written, so nothing was changed\. \(.*violates check constraint "planted"/m,
    );
    expect(await readContents(client)).toEqual(before);
    await client.query(remove);
    expect((await run(words, { input: `${key.reveal()}-2` })).exitCode).toBe(0);
    expect(await readContents(client)).not.toEqual(before);
  });
});

/** The record is in the transaction of the change on either engine; the changes themselves go through both above. */
describe.each(usualEngines)(`${promise}: over HTTP (%s)`, (engine) => {
  const clock = manualClock();
  let keyward: RunningKeyward;
  let provider: StandInProvider;
  beforeAll(async () => {
    provider = await startStandInProvider({ keys: [firstKey, secondKey] });
    const env = { OPENROUTER_API_KEY: firstKey, OPENROUTER_BASE_URL: provider.baseUrl };
    keyward = await startKeyward({ engine, clock, env });
  });
  afterAll(async () => {
    await keyward.stop();
    await provider.close();
  });

  it('every route that may change something is gone through', async () => {
    const routes = (await adminRoutes()).filter(({ method }) => method !== 'GET').map(shownRoute);
    const documented = Object.entries(openapi.paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .map((method) => method.toUpperCase())
        .filter((method) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
        .map((method) => `${method} ${path}`),
    );
    expect(Object.keys(mutatingRoutes).toSorted()).toEqual(routes.toSorted());
    expect(Object.keys(mutatingRoutes).toSorted()).toEqual(documented.toSorted());
    tellFigure(promise, `over HTTP, ${engine}: all ${routes.length} routes that change something refuse`);
  });

  it.each(Object.entries(mutatingRoutes))(
    '%s is answered 503 and changes nothing, and with the trail back it changes something',
    async (route, makeWrite) => {
      // A provider that was asked a moment ago rests.
      clock.pass(120_000);
      const { path, ...options } = await makeWrite(keyward);
      const request = `${route.split(' ', 1)[0]} ${path}` as `${string} /${string}`;
      const takesKey = JSON.stringify(operationOf(route)).includes('idempotency-key');
      const send = async () =>
        ask(keyward, request, {
          ...options,
          ...(takesKey && {
            headers: { 'idempotency-key': `the same for ${route}`.replaceAll(/[^ -z]/g, '') },
          }),
        });
      const [, plant, remove] = obstacles[0] ?? ['', '', ''];
      await keyward.sql(plant);
      try {
        await forgetKeyTestCounts(keyward);
        const before = await contentsOf(keyward);
        const refused = await send();
        await forgetKeyTestCounts(keyward);
        expect(await contentsOf(keyward)).toEqual(before);
        expect(await refusalOf(refused)).toEqual({ status: 503, code: 'audit_unavailable' });
      } finally {
        await keyward.sql(remove);
      }
      clock.pass(3_000);
      const withTrail = await contentsOf(keyward);
      const answer = await send();
      expect([answer.status, await answer.text()]).toEqual([
        expect.toBeOneOf([200, 201, 202, 204]),
        expect.anything(),
      ]);
      const after = await contentsOf(keyward);
      expect(after['rows of keyward_audit_events']).not.toEqual(withTrail['rows of keyward_audit_events']);
    },
  );
});

const openapi = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as {
  paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
};

function operationOf(route: string): object {
  const [method = '', path = ''] = route.split(' ');
  return openapi.paths[path]?.[method.toLowerCase()] ?? {};
}

/** A provider that was asked rests, whether or not its answer could be recorded. */
async function forgetKeyTestCounts(keyward: RunningKeyward): Promise<void> {
  await keyward.sql("DELETE FROM keyward_idempotency_keys WHERE actor LIKE 'key tests %'");
}

/** Written by the servers themselves: their signs of life, and the alert that the trail cannot be written. */
const ownWork: ReadonlySet<string> = new Set([
  'rows of keyward_instances',
  'rows of keyward_alerts',
  'rows of keyward_alert_deliveries',
]);

async function contentsOf(keyward: RunningKeyward): Promise<Readonly<Record<string, string>>> {
  const contents = await readContents({ query: async (text) => ({ rows: await keyward.sql(text) }) });
  // What people do with alerts, and have sent.
  const alerts = await keyward.sql(
    `SELECT id, acknowledged_by, snoozed_until, resolved_at, reason FROM keyward_alerts WHERE kind = 'planted' ORDER BY id`,
  );
  // What the health watch sees of a key is written when it is seen, and is nobody's change.
  const [providers] = await keyward.sql<{ digest: string }>(
    `SELECT md5(string_agg((to_jsonb(p) - '{health_status,health_last_checked,health_response_time_ms,updated_at}'::text[])::text, '' ORDER BY id)) AS digest
       FROM llm_providers p`,
  );
  const tests = await keyward.sql(`SELECT id FROM keyward_alert_deliveries WHERE event = 'test' ORDER BY id`);
  return {
    ...Object.fromEntries(Object.entries(contents).filter(([name]) => !ownWork.has(name))),
    'rows of llm_providers': providers?.digest ?? '',
    'what people did with alerts': JSON.stringify([alerts, tests]),
  };
}

describe(`${promise}: what is recorded`, () => {
  it('cannot be altered without the verification naming the first bad place', async () => {
    const opened = await openOn('postgres');
    await opened.empty();
    const { kysely } = opened.database;
    const ring = KeyRing.parse(generateEncryptionKey());
    const length = 500;
    await recordMany(auditTrailOn(opened.database, ring), length);
    const before = await readRows(kysely);
    const anchors = new AnchoredHeads();
    for (const { sequence, hash } of await kysely
      .selectFrom('keyward_audit_events')
      .select(['sequence', 'hash'])
      .execute())
      anchors.addLine(JSON.stringify({ sequence: Number(sequence), hash }));
    const wanted = 300;
    let [done, located] = [0, 0];
    for (const tampering of fc.sample(anyTampering(length), { numRuns: 3 * wanted, seed: 20_261_124 })) {
      if (done === wanted) break;
      const outcome = await undone(opened, async (tx) => {
        await asSuperuser(tx);
        await tampering.apply(tx);
        const place = firstDifference(before, await readRows(tx));
        if (place === undefined) return undefined;
        const { fault } = await verifyAuditTrail({
          db: tx,
          ring,
          ...(tampering.needsAnchors ? { anchors } : {}),
        });
        return { place, fault };
      }).catch(isRefusedByTable);
      // A text that is no JSON the table takes from nobody; a letter in the place of itself is no tampering.
      if (outcome === undefined) continue;
      done += 1;
      expect(outcome.fault, tampering.name).toMatchObject({ sequence: outcome.place });
      located += 1;
    }
    expect(done).toBe(wanted);
    tellFigure(promise, `${done} tamperings with a trail of ${length} events, ${located} located to the row`);
    await opened.close();
  });
});
