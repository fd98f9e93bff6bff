/** The connection: UTC whatever clocks and servers say, no password in any word, and broken links noticed once. */
import { sql } from 'kysely';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { connectDatabase } from '../../src/database/database.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { DatabaseShell } from '../support/database-shell.ts';
import { describeOnEachDatabase, openOn } from '../support/keyward-database.ts';

/** The second and third do not exist, or exist twice, on the clocks of New York. */
const moments = ['2026-01-02T03:04:05.678Z', '2026-03-08T02:30:00.000Z', '2026-11-01T01:30:00.000Z'];
const asStored = (moment: string): string => moment.replace('T', ' ').replace(/(\.000)?Z$/, '');

const shells: DatabaseShell[] = [];
afterEach(async () => {
  await Promise.all(shells.splice(0).map(async (shell) => shell.kill()));
});

async function openShell(environment: Readonly<Record<string, string>>): Promise<DatabaseShell> {
  const shell = new DatabaseShell(environment, 'command');
  shells.push(shell);
  return shell.opened();
}

describeOnEachDatabase('TIMESTAMP', (opened) => {
  it.each(['Pacific/Kiritimati', 'America/New_York', 'UTC'])(
    'is read and written as UTC by a process in the time zone %s',
    async (TZ) => {
      const { connect, environment } = opened();
      const client = await connect();
      await client.query('CREATE TABLE moments (stored TIMESTAMP)');
      await client.query('INSERT INTO moments SELECT unnest($1::timestamp[])', [moments.map(asStored)]);
      const shell = await openShell({ ...environment, TZ });
      expect(await shell.run('SELECT stored FROM moments ORDER BY 1')).toEqual(
        moments.map((stored) => ({ stored })),
      );

      await client.query('TRUNCATE moments');
      for (const moment of moments) await shell.run('INSERT INTO moments VALUES ($1)', { dates: [moment] });
      const { rows } = await client.query<{ text: string }>(
        'SELECT stored::text AS text FROM moments ORDER BY 1',
      );
      expect(rows.map(({ text }) => text)).toEqual(moments.map(asStored));
    },
  );

  it('is compared and defaulted as UTC, whatever time zone the server is set to', async () => {
    const far = await openOn(opened().engine);
    const client = await far.connect();
    await client.query(`DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Tokyo'); END $$`);
    await client.query('CREATE TABLE moments (stored TIMESTAMP, made TIMESTAMP DEFAULT CURRENT_TIMESTAMP)');
    await far.restart();
    const shell = await openShell({ ...far.environment, TZ: 'Pacific/Kiritimati' });
    const passerBy = await far.connect();
    await passerBy.query('SELECT 1');
    await passerBy.end();
    for (const moment of moments)
      await shell.run('INSERT INTO moments (stored) VALUES ($1)', { dates: [moment] });
    const [seen] = await shell.run(
      `SELECT current_setting('TimeZone') AS zone, min(stored) AS earliest,
              max(abs(extract(epoch FROM made - (now() AT TIME ZONE 'UTC')))) < 60 AS made_in_utc
         FROM moments`,
    );
    expect(seen).toEqual({ zone: 'UTC', earliest: moments[0], made_in_utc: true });
    await shell.close();
    await far.close();
  });
});

describeOnEachDatabase('a database', (opened) => {
  it('has every connection of its pool at UTC', async () => {
    const { database } = opened();
    const zones = Array.from({ length: 8 }, async () => {
      const { rows } = await sql<{ zone: string }>`SELECT current_setting('TimeZone') AS zone`.execute(
        database.kysely,
      );
      return rows[0]?.zone;
    });
    expect(new Set(await Promise.all(zones))).toEqual(new Set(['UTC']));
  });

  it('counts the statements that it sends', async () => {
    const { database } = opened();
    const before = database.queriesSent();
    await sql`SELECT 1`.execute(database.kysely);
    expect(database.queriesSent()).toBe(before + 1);
  });

  it('hears a notification made by another program, and none after it stopped listening', async () => {
    const { database, connect } = opened();
    const client = await connect();
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    let count = 0;
    const stop = await database.listen(
      'Odd "channel"',
      () => {
        count += 1;
        resolve();
      },
      () => expect.unreachable('the connection was not lost'),
    );
    await client.query(`SELECT pg_notify('Odd "channel"', '')`);
    await heard;
    await stop();
    await client.query(`SELECT pg_notify('Odd "channel"', '')`);
    expect(count).toBe(1);
  });
});

describe('a real PostgreSQL', () => {
  it('that ends the connection which listens is told once; that does not answer is no loss but a refusal', async () => {
    const { database, connect, close } = await openOn('postgres');
    const client = await connect();
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    let losses = 0;
    await database.listen(
      'news',
      () => undefined,
      () => {
        losses += 1;
        resolve();
      },
    );
    await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'`);
    await lost;
    expect(losses).toBe(1);
    await close();
    await expect(
      database.listen(
        'news',
        () => undefined,
        () => (losses += 1),
      ),
    ).rejects.toThrow(/does not exist|ECONN/);
    expect(losses).toBe(1);
  });

  it('that ends idle connections is noticed, and the next statement gets a new one', async () => {
    const { environment, connect, close } = await openOn('postgres');
    const { promise: noticed, resolve } = Promise.withResolvers<Error>();
    const database = await openDatabase(loadConfig(environment).database, {
      as: 'server',
      onProgress: () => undefined,
      onIdleError: resolve,
    });
    const client = await connect();
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'keyward' AND datname = current_database()`,
    );
    expect((await noticed).message).toContain('terminating connection');
    const { rows } = await sql<{ one: number }>`SELECT 1 AS one`.execute(database.kysely);
    expect(rows).toEqual([{ one: 1 }]);
    await database.close();
    await close();
  });
});

describe('a database that cannot be reached', () => {
  const password = ['planted', 'password', '91c4'].join('-');
  const real = new URL(inject('postgresUrl'));
  const at = (host: string): string => `postgres://postgres:${password}@${host}/postgres`;

  it.each([
    ['the wrong password', at(real.host), /password authentication failed/],
    ['nobody there', at('127.0.0.1:1'), /ECONNREFUSED/],
    ['no such host', at('nowhere.invalid'), /ENOTFOUND|EAI_AGAIN/],
    ['no such socket', `postgres://postgres:${password}@/postgres?host=/nowhere`, /ENOENT/],
    ['an impossible port', at('127.0.0.1:99999'), /./],
    ['a slash in the password', `postgres://postgres:12/${password}@${real.host}/postgres`, /./],
    ['a hash in the password', `postgres://postgres:a#${password}@${real.host}/postgres`, /./],
    ['a bad escape in the password', `postgres://postgres:%zz${password}@${real.host}/postgres`, /./],
    ['TLS asked of a server without', `${at(real.host)}?ssl=true`, /SSL/],
  ])('(%s) is one line that says why and holds no password', async (_what, DATABASE_URL, why) => {
    const opening = openDatabase(loadConfig({ DATABASE_URL }).database, {
      as: 'command',
      onProgress: () => undefined,
      onIdleError: () => undefined,
    });
    const error = await opening.then(
      () => expect.unreachable(),
      (failure: unknown) => failure as Error,
    );
    expect(error.name).toBe('UsageError');
    expect(error.message).toMatch(
      /^The database (?:does not answer|refuses the connection) \(PostgreSQL [^\n]+$/,
    );
    expect(error.message).toMatch(why);
    expect(error.message).not.toContain(password);
  });

  it('named by POSTGRES_ variables keeps its password to itself just so', async () => {
    const { database } = loadConfig({
      POSTGRES_HOST: real.hostname,
      POSTGRES_PORT: real.port,
      POSTGRES_USER: 'postgres',
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: 'postgres',
    });
    const options = { as: 'command', onProgress: () => undefined, onIdleError: () => undefined } as const;
    await expect(openDatabase(database, options)).rejects.toThrow(
      new RegExp(
        `^The database refuses the connection \\(PostgreSQL postgres@${real.host}/postgres\\): password auth`,
      ),
    );
  });

  it('rejects a wish to listen, and tells of no lost connection besides', async () => {
    let losses = 0;
    const settings = { description: 'nowhere', pool: { host: '127.0.0.1', port: 1 } };
    const database = connectDatabase(settings, 'postgres', () => undefined);
    const listening = database.listen(
      'news',
      () => undefined,
      () => (losses += 1),
    );
    await expect(listening).rejects.toThrow('ECONNREFUSED');
    // The end of the connection is told after its refusal.
    await new Promise((resolve) => setImmediate(resolve));
    expect(losses).toBe(0);
    await database.close();
  });
});
