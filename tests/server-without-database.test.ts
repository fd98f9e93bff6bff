import { mkdtemp, rm } from 'node:fs/promises';
import type { NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { openDatabase } from '../src/database/open-database.ts';
import { ask, newToken, refusalOf, signIn } from './support/administrators.ts';
import { startBreakableLink, type BreakableLink } from './support/breakable-link.ts';
import { migratedPgliteDirectory } from './support/fresh-pglite.ts';
import { runKeyward, startServerProcess } from './support/keyward-process.ts';
import { manualClock } from './support/manual-clock.ts';
import { createDatabase } from './support/real-postgres.ts';
import { adminToken, newPlace, startKeyward, type RunningKeyward } from './support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from './support/stand-in-provider.ts';

const environmentKey = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const databaseKey = ['sk', 'or', 'v1', 'da7a'.repeat(16)].join('-');

interface Backend {
  /** As it would be written without a link before it. */
  readonly url: URL;
  readonly target: NetConnectOpts;
  close(): Promise<void>;
}

const backends: Record<string, () => Promise<Backend>> = {
  postgres: async () => {
    const { url, drop } = await createDatabase({ template: inject('postgresMigrated') });
    const { hostname, port } = new URL(url);
    return { url: new URL(url), target: { host: hostname, port: Number(port) }, close: drop };
  },
  // The embedded engine can only be lost where it is another process's: behind its socket.
  embedded: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keyward-test-'));
    await migratedPgliteDirectory(join(directory, 'database'));
    const owner = await openDatabase(
      { kind: 'embedded', dataDirectory: directory },
      { as: 'server', onProgress: () => undefined, onIdleError: () => undefined },
    );
    return {
      url: new URL('postgres://postgres@127.0.0.1/postgres'),
      target: { path: join(directory, '.s.PGSQL.5432') },
      close: async () => {
        await owner.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
};

describe.each(Object.entries(backends))('with the database on the engine %s', (_engine, open) => {
  let backend: Backend;
  let link: BreakableLink;
  let provider: StandInProvider;
  let keyward: RunningKeyward;
  let throughLink: string;

  beforeEach(async () => {
    backend = await open();
    link = await startBreakableLink(backend.target);
    provider = await startStandInProvider({ keys: [environmentKey, databaseKey] });
    const url = new URL(backend.url);
    url.host = `127.0.0.1:${link.port}`;
    throughLink = url.href;
    keyward = await startKeyward({
      env: {
        DATABASE_URL: throughLink,
        SNAPSHOT_POLL_MS: '50',
        OPENROUTER_API_KEY: environmentKey,
        OPENROUTER_BASE_URL: provider.baseUrl,
      },
    });
  });
  afterEach(async () => {
    link.mend();
    await keyward.stop();
    await provider.close();
    await link.close();
    await backend.close();
  });

  const status = async () => (await keyward.ready()).status;

  describe.each([
    ['is cut off', () => link.cut()],
    ['falls silent', () => link.freeze()],
  ])('when it %s,', (_how, lose) => {
    test('requests go on from the snapshot, readiness says degraded, and what changes is served once it is back', async () => {
      expect(await status()).toBe('ready');
      const { revision } = keyward.snapshot;
      lose();
      await expect.poll(status, { timeout: 20_000 }).toBe('degraded');
      const report = await keyward.ready();
      expect(report.httpStatus).toBe(200);
      expect(report.checks).toMatchObject({
        database: { status: 'degraded', message: expect.stringContaining('last snapshot') as string },
        revision: { status: 'degraded', revision },
        audit: { status: 'degraded', message: expect.stringContaining('Nothing can be recorded') as string },
        encryption_key: { status: 'ok' },
      });
      for (const stream of [false, true]) {
        const response = await keyward.chat({ model: 'openrouter/m', messages: [], stream });
        expect(response.status).toBe(200);
        expect(response.headers.get('x-keyward-revision')).toBe(String(revision));
        await response.text();
      }
      link.mend();
      await keyward.setProvider('openrouter', {
        api_key_source: 'database',
        encrypted_api_key: keyward.encrypt(databaseKey),
      });
      await expect.poll(status).toBe('ready');
      const response = await keyward.chat();
      expect(response.headers.get('x-keyward-key-source')).toBe('database');
      expect(response.status).toBe(200);
    });

    test('Ctrl-C ends the process in time all the same', async () => {
      const server = startServerProcess({ ...keyward.environment, SHUTDOWN_TIMEOUT_MS: '500' });
      await server.url();
      lose();
      const began = performance.now();
      server.kill('SIGINT');
      await server.ended();
      expect(performance.now() - began).toBeLessThan(5_000);
    });
  });

  test('a connection that breaks in the middle of a statement harms nobody', async () => {
    const { kysely } = keyward.server.installation.database;
    const sleeping = sql`SELECT pg_sleep(60)`.execute(kysely);
    link.freeze();
    link.mend();
    await expect(sleeping).rejects.toThrow(/terminated/);
    await expect.poll(status).toBe('ready');
    expect((await keyward.chat()).status).toBe(200);
  });

  test('it is missed once in the log, found again once, and neither line holds a secret', async () => {
    link.cut();
    await expect.poll(status).toBe('degraded');
    const attempts = link.attempts;
    await expect.poll(() => link.attempts).toBeGreaterThan(attempts + 10);
    link.mend();
    await expect.poll(status, { timeout: 20_000 }).toBe('ready');
    const lines = keyward.logLines.map((line) => JSON.parse(line) as { level: number; msg: string });
    const about = (text: string) => lines.filter(({ level, msg }) => level >= 30 && msg.includes(text));
    expect(about('the database does not answer')).toHaveLength(1);
    expect(about('the database answers again')).toHaveLength(1);
    expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
    expect(keyward.logLines.join('')).not.toContain(environmentKey);
  });

  test('it is asked for at a steady pace, however long it is away', async () => {
    const patient = await startKeyward({
      place: { environment: keyward.environment, remove: async () => {} },
      env: { SNAPSHOT_POLL_MS: '3600000' },
    });
    await keyward.stop();
    link.cut();
    const before = link.attempts;
    const seconds = 5;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    // Once a second to listen, one heartbeat, and what the start had still to look at.
    expect(link.attempts - before).toBeGreaterThan(1);
    expect(link.attempts - before).toBeLessThanOrEqual(2 * seconds);
    link.mend();
    await patient.stop();
  });

  test('an administrator is told 503, and never that the token or the session is wrong', async () => {
    const { token } = await newToken(keyward);
    const session = await signIn(keyward, token);
    link.cut();
    await expect.poll(status).toBe('degraded');
    for (const credentials of [{ token: adminToken }, { token }, { session }]) {
      const response = await ask(keyward, 'GET /api/v1/admin/status', credentials);
      expect(await refusalOf(response)).toEqual({ status: 503, code: 'database_unavailable' });
    }
    const signingIn = await ask(keyward, 'POST /api/v1/admin/session', { body: { token } });
    expect(await refusalOf(signingIn)).toEqual({ status: 503, code: 'database_unavailable' });
  });

  test('whoever presents nothing is refused all the same', async () => {
    link.cut();
    await expect.poll(status).toBe('degraded');
    expect(await refusalOf(await ask(keyward, 'GET /api/v1/admin/status'))).toEqual({
      status: 401,
      code: 'token_missing',
    });
  });

  test('a gateway token is good until its time, and refused from then on', async () => {
    const clock = manualClock();
    const timed = await startKeyward({
      place: { environment: keyward.environment, remove: async () => {} },
      clock,
    });
    const expiresAt = new Date(clock.now().getTime() + 60_000);
    const { token } = await newToken(timed, { kind: 'gateway', expiresAt });
    await timed.caughtUp();
    link.cut();
    const asked = async (): Promise<number> => {
      const response = await timed.chat(undefined, { headers: { authorization: `Bearer ${token}` } });
      await response.arrayBuffer();
      return response.status;
    };
    clock.pass(59_999);
    expect(await asked()).toBe(200);
    clock.pass(1);
    expect(await asked()).toBe(401);
    link.mend();
    await timed.stop();
  });

  test('metrics say so', async () => {
    link.cut();
    await expect.poll(status).toBe('degraded');
    expect(await (await fetch(`${keyward.server.url}/metrics`)).text()).toMatch(/^keyward_database_up 0$/m);
  });

  test('a start without it ends with one clear line without the password, and a non-zero exit', async () => {
    link.cut();
    const place = await newPlace();
    const url = new URL(throughLink);
    url.username = 'somebody';
    url.password = ['fake', 'password'].join('-');
    const { exitCode, stderr } = await runKeyward(['serve'], {
      ...place.environment,
      DATABASE_URL: url.href,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^keyward: The database does not answer \(PostgreSQL somebody@127\.0\.0\.1:\d+\/\w+\): [^\n]+\n$/,
    );
    expect(stderr).not.toContain(url.password);
    await place.remove();
  });
});
