/**
 * The promise: apply, roll back, apply restores the catalogue, every key and the audit trail, on the embedded engine, on
 * PostgreSQL as npm and as Debian deliver it, and through a pooler in transaction mode.
 */
import type pg from 'pg';
import { Client } from 'pg';
import { describe, expect, inject, it, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { catalogueHash, keptByRollbacks, readCatalogue } from '../support/database-contents.ts';
import { debianPostgres } from '../support/debian-postgres.ts';
import { openOn } from '../support/keyward-database.ts';
import { migrateForPrograms } from '../support/migrate-command.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { createDatabase } from '../support/real-postgres.ts';
import { startRealPostgres } from '../support/start-real-postgres.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 120_000 });

const dataDirectory = useTemporaryDirectory();

/** A database, and the two ways to it: the command's and an onlooker's. */
interface Ground {
  readonly environment: Readonly<Record<string, string>>;
  readonly onlooker: pg.Client;
  close(): Promise<void>;
}

async function embedded(): Promise<Ground> {
  const opened = await openOn('embedded');
  await opened.empty({ migrate: false });
  return {
    environment: opened.environment,
    onlooker: await opened.connect(),
    close: async () => opened.close(),
  };
}

/** @param through how the command's URL differs from the onlooker's */
async function onServer(server: string, through = (url: string) => url): Promise<Ground> {
  const { url, drop } = await createDatabase({ server });
  const onlooker = new Client({ connectionString: url });
  await onlooker.connect();
  return {
    environment: { DATABASE_URL: through(url), KEYWARD_DATA_DIR: dataDirectory() },
    onlooker,
    close: async () => {
      await onlooker.end();
      await drop();
    },
  };
}

async function debian(): Promise<Ground> {
  const server = await startRealPostgres(debianPostgres());
  const ground = await onServer(server.url);
  return {
    ...ground,
    close: async () => {
      await ground.close();
      await server.stop();
    },
  };
}

async function pooled(): Promise<Ground> {
  const pooler = await startPgBouncer(inject('postgresUrl'), { serverConnections: 2 });
  const ground = await onServer(inject('postgresUrl'), pooler.through);
  return {
    ...ground,
    close: async () => {
      await pooler.stop();
      await ground.close();
    },
  };
}

const keyRing = KeyRing.parse(generateEncryptionKey());
const keptApart = ['keyward_migrations', ...keptByRollbacks];

/** A key of its own for every provider, in every source and state that a row can be in; and a trail of it. */
async function storeKeys(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ slug: string }>('SELECT provider_slug AS slug FROM llm_providers');
  for (const [index, { slug }] of rows.entries()) {
    const key = new Secret(['sk', 'fake', slug, String(index)].join('-'));
    await client.query(
      `UPDATE llm_providers SET encrypted_api_key = $2, api_key_source = $3, api_key_test_status = $4,
         api_key_updated_at = '2025-10-27 14:35:00.123456', api_key_last_tested = $5::timestamp,
         api_key_binding = $6, allow_private_network = $7, request_headers = $8 WHERE provider_slug = $1`,
      [
        slug,
        keyRing.encrypt(key),
        ['environment', 'database', 'hybrid', 'a value of tomorrow'][index % 4],
        ['valid', 'invalid', 'untested', 'error', null][index % 5],
        index % 2 === 0 ? null : '2026-02-28 23:59:59.999999',
        index % 3 === 0 ? null : `binding of ${slug}`,
        index % 2 === 0,
        index % 4 === 0 ? JSON.stringify({ 'x-team': slug }) : null,
      ],
    );
  }
  const event = {
    occurred_at: '2026-01-31T12:34:56.789Z',
    actor: { kind: 'command', name: 'a test' },
    action: 'provider.key_set',
    target: { kind: 'provider', id: 'groq' },
    outcome: 'done',
  };
  await client.query(`INSERT INTO keyward_audit_chain (encrypted_audit_key) VALUES ($1)`, [
    keyRing.encrypt(new Secret('audit key')),
  ]);
  for (const sequence of [1, 2])
    await client.query(
      `INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash) VALUES ($1, $2, repeat('0', 64), repeat('1', 64))`,
      [sequence, JSON.stringify({ sequence, ...event })],
    );
}

/** The events and the key of their chain, to the letter. */
async function readTrail(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query(
    `SELECT to_jsonb(e)::text AS event, to_jsonb(c)::text AS chain FROM keyward_audit_events e, keyward_audit_chain c ORDER BY sequence`,
  );
  return rows;
}

/** What each provider's row says of its key, and the key itself. */
async function readSecrets(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query<{ token: string; row: string }>(`
    SELECT encrypted_api_key AS token, (to_jsonb(p) - 'updated_at')::text AS row
      FROM llm_providers p ORDER BY provider_slug`);
  return rows.map(({ token, row }) => ({ key: keyRing.decrypt(token).secret.reveal(), row }));
}

describe.each([
  { title: 'the embedded engine', prepare: embedded, here: true },
  { title: 'PostgreSQL from npm', prepare: async () => onServer(inject('postgresUrl')), here: true },
  { title: 'PostgreSQL 15 from Debian', prepare: debian, here: debianPostgres() !== undefined },
  { title: 'PgBouncer in transaction mode', prepare: pooled, here: hasPgBouncer() },
])('on $title', ({ title, prepare, here }) => {
  it.skipIf(!here)(
    'apply, roll back, apply restores the catalogue, every key and the audit trail',
    async () => {
      const { environment, onlooker, close } = await prepare();
      try {
        const run = async (...args: string[]): Promise<Readonly<Record<string, unknown>>> => {
          const { exitCode, report, stderr } = await migrateForPrograms(environment, ...args);
          expect(exitCode, stderr).toBe(0);
          return report;
        };
        await run('--to', '001');
        const hashBefore = await catalogueHash(onlooker, keptApart);
        await run();
        const hashApplied = await catalogueHash(onlooker, keptApart);
        expect(hashApplied).not.toBe(hashBefore);
        await storeKeys(onlooker);
        const secrets = await readSecrets(onlooker);
        expect(secrets).toHaveLength(12);
        const trail = await readTrail(onlooker);
        expect(trail).toHaveLength(2);

        const startedAt = performance.now();
        const { backup } = await run('--rollback', '--yes');
        expect(backup).toMatchObject({ count: 12 });
        expect(await catalogueHash(onlooker, keptApart)).toBe(hashBefore);

        const { restored } = await run('--yes');
        expect(restored).toMatchObject({ left: [] });
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        expect(await catalogueHash(onlooker, keptApart)).toBe(hashApplied);
        expect(await readSecrets(onlooker)).toEqual(secrets);
        expect(await readTrail(onlooker)).toEqual(trail);
        const left = Object.keys(await readCatalogue(onlooker)).filter((name) =>
          keptByRollbacks.some((kept) => name.includes(` ${kept}`)),
        );
        expect(left).toEqual([]);
        tellFigure(
          'migration 002 is reversible',
          `${title}: ${secrets.length} of 12 keys back, catalogue ${hashApplied.slice(0, 12)} as before, roll back and apply in ${seconds} s`,
        );
      } finally {
        await close();
      }
    },
  );
});
