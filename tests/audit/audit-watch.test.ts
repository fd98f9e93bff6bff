/** A running server keeps the trail complete by itself: foreign changes, the ring, the head outside the database. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readHead, type Head } from '../../src/audit/append-events.ts';
import type { RecordedEvent } from '../../src/audit/audit-event.ts';
import { headIn } from '../../src/audit/read-anchors.ts';
import { listAuditEvents, type AuditFilters } from '../../src/audit/read-events.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { occasionOfTests } from '../support/audited.ts';
import { usualEngines } from '../support/depth.ts';
import { startServerProcess, type KeywardProcess } from '../support/keyward-process.ts';
import { withoutGuard } from '../support/tampering.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';

// What nobody announces is found within five seconds, and on a busy machine later.
vi.setConfig({ testTimeout: 120_000 });
const eventually = { timeout: 60_000 };

describe.each(usualEngines)('a running server on %s', (engine) => {
  let place: Place;
  let keyward: RunningKeyward;
  beforeEach(async () => {
    place = await newPlace(engine);
    keyward = await startKeyward({ place });
  });
  afterEach(async () => {
    await keyward.stop();
    await place.remove();
  });
  const db = () => keyward.server.installation.database.kysely;
  const events = async (filters: AuditFilters = {}): Promise<readonly RecordedEvent[]> =>
    (await listAuditEvents(db(), { filters, limit: 1_000 })).events;
  const foreign = async () => events({ action: 'database.changed' });
  const logged = (text: string): string[] => keyward.logLines.filter((line) => line.includes(text));
  /** The heads that were noted, wherever that is by default. */
  const notedHeads = async (): Promise<Head[]> => {
    const path = join(place.environment['KEYWARD_DATA_DIR'] ?? '', 'audit-heads.jsonl');
    const lines =
      engine === 'embedded' ? (await readFile(path, 'utf8').catch(() => '')).split('\n') : keyward.logLines;
    return lines.flatMap((line) => headIn(line) ?? []);
  };

  it('records which encryption keys it starts with, and a restart with the same ones nothing', async () => {
    await expect.poll(async () => events(), eventually).toHaveLength(1);
    const { ring } = keyward.server.installation.keyRing;
    expect(await events()).toMatchObject([
      { action: 'encryption_ring.changed', actor: { kind: 'system' }, after: { key_ids: ring.keyIds } },
    ]);
    await keyward.stop();
    keyward = await startKeyward({ place });
    await keyward.sql(
      `UPDATE llm_providers SET display_name = 'seen after the restart' WHERE provider_slug = 'groq'`,
    );
    await expect.poll(foreign, eventually).toHaveLength(1);
    expect(await events({ action: 'encryption_ring' })).toHaveLength(1);
  });

  it('has what other programs change in the trail by itself', async () => {
    const key = ['planted', 'key', '77aa'].join('-');
    await keyward.setProvider('groq', { encrypted_api_key: keyward.encrypt(key) });
    await keyward.sql(`UPDATE llm_providers SET is_active = false WHERE provider_slug = 'xai'`);
    await expect.poll(foreign, eventually).toHaveLength(2);
    const fingerprint = keyward.server.installation.fingerprinter.of(new Secret(key));
    expect(await foreign()).toMatchObject([
      { target: { id: 'xai' }, before: { is_active: true }, after: { is_active: false } },
      { target: { id: 'groq' }, before: { fingerprint: null }, after: { fingerprint } },
    ]);
    expect(await keyward.sql('SELECT * FROM keyward_foreign_changes')).toEqual([]);
  });

  it('finds a change too that serves nobody and is not announced', async () => {
    await keyward.sql(
      `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'app', repeat('a', 64), 'kwg_')`,
    );
    await expect.poll(foreign, eventually).toHaveLength(1);
    await keyward.sql(`UPDATE keyward_tokens SET name = 'renamed'`);
    await expect.poll(foreign, eventually).toHaveLength(2);
  });

  it('goes on when the trail could not be written for a while, and says so once', async () => {
    await expect.poll(async () => events(), eventually).toHaveLength(1);
    await keyward.sql('ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (sequence < 2)');
    await keyward.sql(`UPDATE llm_providers SET display_name = 'one' WHERE provider_slug = 'groq'`);
    await expect
      .poll(() => logged('cannot be recorded in the audit trail yet').length, eventually)
      .toBeGreaterThan(1);
    await keyward.sql('ALTER TABLE keyward_audit_events DROP CONSTRAINT planted');
    await expect.poll(foreign, eventually).toHaveLength(1);
    const levels = logged('cannot be recorded').map((line) => (JSON.parse(line) as { level: number }).level);
    expect(levels.filter((level) => level >= 40)).toHaveLength(1);
    await expect.poll(() => logged('no longer: what other programs changed'), eventually).toHaveLength(1);
  });

  it('says degraded, and names the table, while the key of the trail is gone', async () => {
    await expect.poll(async () => events(), eventually).toHaveLength(1);
    const check = async () => (await keyward.ready()).checks['audit'];
    expect(await check()).toMatchObject({ status: 'ok' });
    await keyward.sql('CREATE TABLE planted AS SELECT * FROM keyward_audit_chain');
    await keyward.sql(withoutGuard('DELETE FROM keyward_audit_chain'));
    await expect.poll(check, eventually).toMatchObject({
      status: 'degraded',
      message: expect.stringContaining('keyward_audit_chain') as string,
    });
    expect((await keyward.ready()).status).toBe('degraded');
    await keyward.sql('INSERT INTO keyward_audit_chain SELECT * FROM planted');
    await expect.poll(check, eventually).toMatchObject({ status: 'ok' });
  });

  it('notes the head when it has moved, and a last time when it stops', async () => {
    await expect.poll(async () => (await notedHeads()).at(-1)?.sequence, eventually).toBe(1);
    const { audit } = keyward.server.installation;
    const entry = { action: 'session.started', target: { kind: 'session', id: 's' } } as const;
    await audit.record(occasionOfTests, entry);
    await expect.poll(async () => (await notedHeads()).at(-1)?.sequence, eventually).toBe(2);
    for (let turn = 0; turn < 5; turn += 1) await audit.record(occasionOfTests, entry);
    const head = await readHead(db());
    await keyward.stop();
    expect((await notedHeads()).at(-1)).toEqual(head);
    const noted = (await notedHeads()).map(({ sequence }) => sequence);
    expect(new Set(noted).size).toBe(noted.length);
  });

  it('tells at once that the trail was cut', async () => {
    const { audit } = keyward.server.installation;
    const entry = { action: 'session.started', target: { kind: 'session', id: 's' } } as const;
    for (let turn = 0; turn < 3; turn += 1) await audit.record(occasionOfTests, entry);
    await expect.poll(async () => (await notedHeads()).at(-1)?.sequence, eventually).toBe(4);
    await keyward.sql(
      `SET session_replication_role = replica; DELETE FROM keyward_audit_events WHERE sequence > 2`,
    );
    await audit.record(occasionOfTests, entry);
    await expect.poll(() => logged('the audit trail was cut off or rewritten'), eventually).toHaveLength(1);
    expect(JSON.parse(logged('was cut off or rewritten')[0] ?? '')).toMatchObject({
      level: 50,
      noted: { sequence: 4 },
      found: { sequence: 3 },
    });
    expect((await keyward.ready()).checks).toMatchObject({
      audit: { status: 'degraded', message: expect.stringContaining('was cut off or rewritten') as string },
    });
  });

  it('starts with no ring that does not open the trail, and says so before it answers anybody', async () => {
    await expect.poll(async () => events(), eventually).toHaveLength(1);
    await keyward.stop();
    const env = { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() };
    await expect(startKeyward({ place, env })).rejects.toThrow(/lacks key [0-9a-f]{8}, under which/);
    keyward = await startKeyward({ place });
    expect(await events()).toHaveLength(1);
  });
});

describe('servers that are killed', () => {
  it('lose no foreign change and tell none twice', async () => {
    const place = await newPlace('postgres');
    const client = new pg.Client({ connectionString: place.environment['DATABASE_URL'] });
    await client.connect();
    const servers: KeywardProcess[] = [];
    const start = async (): Promise<KeywardProcess> => {
      const server = startServerProcess(place.environment);
      servers.push(server);
      await server.url();
      return server;
    };
    try {
      const changes = 600;
      const first = await start();
      await start();
      const waiting = async () =>
        Number(
          (await client.query<{ n: string }>('SELECT count(*) AS n FROM keyward_foreign_changes')).rows[0]?.n,
        );
      for (let turn = 0; turn < changes; turn += 1) {
        await client.query(`UPDATE llm_providers SET display_name = $1 WHERE provider_slug = 'groq'`, [
          `name ${turn}`,
        ]);
        if (turn === 200) first.kill('SIGKILL');
        if (turn === 400) {
          servers[1]?.kill('SIGKILL');
          await servers[1]?.ended();
        }
      }
      await start();
      await expect.poll(waiting, eventually).toBe(0);
      const { rows } = await client.query<{ name: string }>(
        `SELECT event::jsonb -> 'after' ->> 'display_name' AS name FROM keyward_audit_events
          WHERE action = 'database.changed' ORDER BY sequence`,
      );
      expect(rows.map(({ name }) => name)).toEqual(
        Array.from({ length: changes }, (_, turn) => `name ${turn}`),
      );
    } finally {
      for (const server of servers) if (server.isRunning) server.kill('SIGKILL');
      await Promise.all(servers.map(async (server) => server.ended()));
      await client.end();
      await place.remove();
    }
  });
});
