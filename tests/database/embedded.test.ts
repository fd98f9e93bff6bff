/** The embedded database: whole or absent after any death, and shared with every process that asks. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openEmbedded, type EmbeddedDatabase } from '../../src/database/embedded.ts';
import { DatabaseShell } from '../support/database-shell.ts';
import { atDepth } from '../support/depth.ts';
import { freshPgliteDirectory } from '../support/fresh-pglite.ts';

// Each process loads the engine anew, which is slow where many run at once.
vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let shells: DatabaseShell[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyward-embedded-'));
  shells = [];
});

afterEach(async () => {
  await Promise.all(shells.map(async (shell) => shell.kill()));
  await rm(directory, { recursive: true, force: true });
});

function start(as: 'server' | 'command', dataDirectory = directory): DatabaseShell {
  const shell = new DatabaseShell({ KEYWARD_DATA_DIR: dataDirectory, TMPDIR: tmpdir() }, as);
  shells.push(shell);
  return shell;
}

/** Opens a database that was made before, which takes half a second instead of some. */
async function startOnCopy(as: 'server' | 'command', dataDirectory = directory): Promise<DatabaseShell> {
  mkdirSync(dataDirectory, { recursive: true });
  await freshPgliteDirectory(join(dataDirectory, 'database'));
  return start(as, dataDirectory).opened();
}

async function openHere(as: 'server' | 'command'): Promise<EmbeddedDatabase> {
  return openEmbedded(directory, { as, onProgress: () => undefined });
}

describe('a first start', () => {
  it('makes the directory for its owner alone, says what it does, and the database answers', async () => {
    const dataDirectory = join(directory, 'deep', 'data');
    const shell = await start('server', dataDirectory).opened();
    expect(shell.progress.join()).toContain(
      `Making the embedded database in ${join(dataDirectory, 'database')}`,
    );
    expect((statSync(dataDirectory).mode & 0o777).toString(8)).toBe('700');
    expect(await shell.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('serves at a socket for its owner alone, whatever the umask says', async () => {
    const umask = process.umask(0);
    try {
      await startOnCopy('server');
    } finally {
      process.umask(umask);
    }
    const socket = join(directory, '.s.PGSQL.5432');
    expect((statSync(socket).mode & 0o777).toString(8)).toBe('600');
  });

  it('that is killed at any time leaves nothing half-made, and the next start works', async () => {
    const half = join(directory, 'database.unfinished');
    const whole = join(directory, 'database');
    // Ever later into the making, until one is through with it.
    for (const filesThere of atDepth({ usual: [300], thorough: [1, 200, 600] })) {
      const shell = start('server');
      await shell.saysProgress('Making the embedded database');
      await expect
        .poll(() => existsSync(whole) || countFiles(half) >= filesThere, { timeout: 60_000, interval: 20 })
        .toBe(true);
      await shell.kill();
      if (existsSync(whole)) break;
      expect(countFiles(half)).toBeGreaterThan(0);
    }
    const next = await start('server').opened();
    expect(await next.run('SELECT count(*)::int > 100 AS whole FROM pg_class')).toEqual([{ whole: true }]);
    expect(existsSync(half)).toBe(false);
  });

  it('a half-made database of an earlier start is thrown away', async () => {
    const half = join(directory, 'database.unfinished');
    mkdirSync(half);
    writeFileSync(join(half, 'PG_VERSION'), 'rubbish');
    mkdirSync(join(directory, '.s-abc123'));
    const shell = await start('server').opened();
    expect(await shell.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(readdirSync(directory).toSorted()).toEqual(['.s.PGSQL.5432', 'database', 'keyward.lock']);
  });

  it('in a place that is no directory is refused by one line', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(start('server', join(directory, 'file')).opened()).rejects.toThrow(
      /^The data directory .*file cannot be made: .*Set KEYWARD_DATA_DIR to a directory that you can write\.$/,
    );
  });

  it('on a database that is damaged says so, and leaves it as it is', async () => {
    mkdirSync(join(directory, 'database'));
    writeFileSync(join(directory, 'database', 'PG_VERSION'), 'rubbish');
    await expect(start('server').opened()).rejects.toThrow(
      /^The embedded database in .*database does not open/,
    );
    expect(readdirSync(join(directory, 'database'))).toContain('PG_VERSION');
    expect(existsSync(join(directory, 'keyward.lock'))).toBe(false);
  });
});

describe('what was committed', () => {
  it('is there after the owner was killed, and what was not is not', async () => {
    const owner = await startOnCopy('server');
    await owner.run('CREATE TABLE kept (n INT)');
    for (let n = 1; n <= 50; n += 1) await owner.run('INSERT INTO kept VALUES ($1)', { values: [n] });
    await owner.run(`BEGIN`);
    owner.send('INSERT INTO kept SELECT generate_series(1000, 30000)');
    await owner.kill();

    const next = await start('server').opened();
    expect(await next.run('SELECT count(*)::int AS rows, max(n) AS highest FROM kept')).toEqual([
      { rows: 50, highest: 50 },
    ]);
  });

  it('is there after several owners in a row were killed', async () => {
    const owners = atDepth({ usual: 2, thorough: 5 });
    let owner = await startOnCopy('server');
    await owner.run('CREATE TABLE kept (n INT)');
    for (let n = 1; n <= owners; n += 1) {
      await owner.run('INSERT INTO kept VALUES ($1)', { values: [n] });
      await owner.kill();
      owner = await start('server').opened();
    }
    expect(await owner.run('SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: owners }]);
  });
});

describe('a second process', () => {
  it('shares the database as a command, and each sees what the other commits', async () => {
    const owner = await startOnCopy('server');
    await owner.run('CREATE TABLE seen (who TEXT)');
    const guest = await start('command').opened();
    await guest.run(`INSERT INTO seen VALUES ('guest')`);
    expect(await owner.run('SELECT who FROM seen')).toEqual([{ who: 'guest' }]);
    await owner.run(`INSERT INTO seen VALUES ('owner')`);
    expect(await guest.run('SELECT who FROM seen ORDER BY who')).toEqual([
      { who: 'guest' },
      { who: 'owner' },
    ]);
  });

  it('as a server is refused by one line that names the first, and does it no harm', async () => {
    const owner = await startOnCopy('server');
    await expect(start('server').opened()).rejects.toThrow(
      `Another Keyward (process ${owner.pid}) already runs on ${directory}. Stop it first, or set KEYWARD_DATA_DIR to another directory.`,
    );
    expect(await owner.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('that starts while the first makes the database waits for it', async () => {
    const owner = start('server');
    await owner.saysProgress('Making the embedded database');
    const guest = await start('command').opened();
    expect(await guest.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(guest.progress).toEqual([]);
    await owner.opened();
  });

  it('that is a server waits for a command to end', async () => {
    const command = await startOnCopy('command');
    const server = start('server');
    const opened = server.opened();
    await command.run('CREATE TABLE left_behind (n INT)');
    await command.close();
    await opened;
    expect(await server.run('SELECT count(*)::int AS rows FROM left_behind')).toEqual([{ rows: 0 }]);
  });

  it('of six commands at once, without a server, all do their work', async () => {
    await (await startOnCopy('command')).run('CREATE TABLE done (n INT)');
    await Promise.all(shells.map(async (shell) => shell.close()));
    const work = Array.from({ length: 6 }, async (_, n) => {
      const command = await start('command').opened();
      await command.run('INSERT INTO done VALUES ($1)', { values: [n] });
      await command.close();
    });
    await Promise.all(work);
    const last = await start('command').opened();
    expect(await last.run('SELECT count(*)::int AS rows FROM done')).toEqual([{ rows: 6 }]);
  });

  it('takes over when the first was killed, without anybody cleaning up', async () => {
    const owner = await startOnCopy('server');
    await owner.run('CREATE TABLE kept (n INT)');
    await owner.kill();
    const next = await start('command').opened();
    expect(await next.run('SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 0 }]);
  });
});

describe('a path', () => {
  it('too long for a Unix socket works, also for the second process', async () => {
    const long = join(directory, 'a-long-name-'.repeat(10), 'data');
    expect(Buffer.byteLength(join(long, '.s.PGSQL.5432'))).toBeGreaterThan(107);
    const owner = await startOnCopy('server', long);
    await owner.run('CREATE TABLE seen (n INT)');
    const guest = await start('command', long).opened();
    expect(await guest.run('SELECT count(*)::int AS rows FROM seen')).toEqual([{ rows: 0 }]);
  });

  it('too long leaves no directory of its socket behind, neither by the owner nor by guests', async () => {
    const long = join(directory, 'a-long-name-'.repeat(10), 'data');
    const temporary = await mkdtemp(join(tmpdir(), 'kw-'));
    const startLong = (as: 'server' | 'command'): DatabaseShell => {
      const shell = new DatabaseShell({ KEYWARD_DATA_DIR: long, TMPDIR: temporary }, as);
      shells.push(shell);
      return shell;
    };
    mkdirSync(long, { recursive: true });
    await freshPgliteDirectory(join(long, 'database'));
    const owner = await startLong('server').opened();
    const guest = await startLong('command').opened();
    await expect(startLong('server').opened()).rejects.toThrow('already runs');
    expect(readdirSync(temporary)).toHaveLength(1);
    await guest.close();
    await owner.close();
    expect(readdirSync(temporary)).toEqual([]);
    await rm(temporary, { recursive: true });
  });

  it('with blanks, quotes and letters of other alphabets works', async () => {
    const odd = join(directory, `da ta 'quoted" ключ 鍵 %20`);
    const owner = await startOnCopy('server', odd);
    expect(await owner.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('that ends with a slash is not mistaken for another one and removed', async () => {
    await freshPgliteDirectory(join(directory, 'database'));
    const opened = await openEmbedded(`${directory}/`, { as: 'server', onProgress: () => undefined });
    await opened.close();
    expect(existsSync(join(directory, 'database', 'PG_VERSION'))).toBe(true);
  });
});

describe('the end', () => {
  it('leaves neither lock nor socket, and the next start is at once the owner', async () => {
    await freshPgliteDirectory(join(directory, 'database'));
    for (let times = 0; times < 2; times += 1) {
      const opened = await openHere('server');
      expect(readdirSync(directory).toSorted()).toEqual(['.s.PGSQL.5432', 'database', 'keyward.lock']);
      await opened.close();
      expect(readdirSync(directory)).toEqual(['database']);
    }
  });
});

function countFiles(path: string): number {
  try {
    return readdirSync(path, { recursive: true }).length;
  } catch {
    return 0;
  }
}
