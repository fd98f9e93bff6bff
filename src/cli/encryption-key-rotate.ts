/** `keyward encryption-key rotate` and `forget`: the change of the encryption key, and the end of a lost one. */
import { UsageError } from '../foundation/errors.ts';
import { shortened } from '../foundation/shortened.ts';
import type { Installation } from '../installation.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { countEncrypted, countStored, rowsByKey } from '../keys/reencryption/count-encrypted.ts';
import { forgetKey, listKeysInUse } from '../keys/reencryption/keys-in-use.ts';
import { readRing } from '../keys/reencryption/read-ring.ts';
import { chooseTarget, rotateEncryptionKey } from '../keys/reencryption/rotate-encryption-key.ts';
import { confirmed } from './confirm.ts';
import { counted, print, printJson, progressLine, remark, table } from './terminal.ts';
import { commandOccasion, withInstallation } from './with-installation.ts';

export interface RotateOptions {
  readonly check?: true;
  readonly status?: true;
  readonly dryRun?: true;
  /** In seconds. */
  readonly wait: number;
  readonly rate?: number;
  readonly json?: true;
}

const unasked = 'Forgetting a key asks first, and this is no terminal. Say --yes to go on.';

/** @returns the exit code: 0 done, 1 rows are left under another key; 3 by an error that says what is to be done */
export async function rotateKey(options: RotateOptions): Promise<number> {
  if ([options.check, options.status, options.dryRun].filter(Boolean).length > 1)
    throw new UsageError('--check, --status and --dry-run exclude each other.', { exitCode: 2 });
  if (options.rate === 0) throw new UsageError('--rate is at least 1.', { exitCode: 2 });
  return withInstallation(async (installation) => {
    if (options.check) return check(installation, options);
    if (options.status) return showStatus(installation, options);
    if (options.dryRun) return showPlan(installation, options);
    return rotate(installation, options);
  });
}

async function rotate(installation: Installation, { wait, rate, json }: RotateOptions): Promise<number> {
  const { database, audit, keyRing, fingerprinter } = installation;
  const total = await countStored(database.kysely);
  const progress = progressLine();
  const done = await rotateEncryptionKey(
    {
      db: database.kysely,
      audit,
      ring: keyRing.ring,
      found: keyRing,
      fingerprinter,
      occasion: commandOccasion(),
    },
    {
      waitMs: wait * 1_000,
      rowsPerSecond: rate,
      onStep: remark,
      onProgress: (now) =>
        progress.show(`${bar(now.reencrypted, total)} ${now.reencrypted} of ${total} rows (${now.table})`),
    },
  )
    .catch((error: unknown) => {
      if (json && error instanceof UsageError)
        printJson({ active_key_id: keyRing.ring.activeKeyId, done: false, to_do: error.message });
      throw error;
    })
    .finally(() => progress.end());
  if (json) {
    printJson({
      active_key_id: done.activeKeyId,
      reencrypted: done.reencrypted,
      set_aside: done.setAside,
      left: Object.fromEntries(done.left),
      removable: done.removable,
    });
  } else {
    print(`Encrypted ${counted(done.reencrypted, 'row')} anew under the key ${done.activeKeyId}.`);
    for (const { row, why } of done.setAside.slice(0, mostSaid)) print(`Set aside: ${row}. ${why}`);
    if (done.setAside.length > mostSaid)
      print(
        `Set aside: ${done.setAside.length - mostSaid} more. All of them: keyward encryption-key rotate --check --json`,
      );
    for (const [id, rows] of done.left)
      print(
        `${counted(rows, 'row')} still under the key ${id}: another program writes under it. Give it the new key, then run this again.`,
      );
    for (const id of done.removable)
      print(`No row is left under the key ${id}: it may be removed from ${keyRing.from}.`);
  }
  return done.left.size === 0 ? 0 : 1;
}

const mostSaid = 10;
const barCells = 24;

function bar(done: number, total: number): string {
  const cells = Math.min(barCells, Math.round((done / Math.max(total, 1)) * barCells));
  return `[${'#'.repeat(cells)}${'.'.repeat(barCells - cells)}]`;
}

async function check({ database, keyRing }: Installation, { json }: RotateOptions): Promise<number> {
  const { ring } = keyRing;
  const counts = await countEncrypted(database.kysely, ring);
  const others = [...rowsByKey(counts)].filter(([id]) => id !== ring.activeKeyId);
  const unreadable = counts.flatMap((count) => count.unreadable);
  if (json) {
    printJson({ active_key_id: ring.activeKeyId, left: Object.fromEntries(others), set_aside: unreadable });
  } else {
    for (const [id, rows] of others) print(`${counted(rows, 'row')} under the key ${id}.`);
    if (others.length === 0) print(`No row is under another key than the active one, ${ring.activeKeyId}.`);
    if (unreadable.length > 0)
      print(`${counted(unreadable.length, 'row')} under no key of the ring: ${shortened(unreadable)}.`);
  }
  return others.length === 0 ? 0 : 1;
}

async function showStatus({ database, keyRing }: Installation, { json }: RotateOptions): Promise<number> {
  const { kysely: db } = database;
  const { keys: known, unreadable } = await readRing(db, keyRing.ring);
  const keys = known.map((key) => ({
    id: key.id,
    in_ring: key.isInRing,
    active: key.isActive,
    rows: key.rows,
    first_used_at: key.firstUsedAt,
    retired_at: key.retiredAt,
  }));
  const servers = (await listLiveInstances(db)).map(({ host, pid, encryptionKeyIds }) => ({
    host,
    pid,
    encryption_key_ids: encryptionKeyIds,
  }));
  if (json) {
    printJson({ from: keyRing.from, keys, servers, set_aside: unreadable });
    return 0;
  }
  const lines = keys.map((key) => [
    key.id,
    key.active ? 'encrypts' : key.in_ring ? 'decrypts only' : 'not in the ring',
    String(key.rows),
    key.first_used_at === null ? 'never used' : key.retired_at === null ? 'in use' : 'needed no more',
  ]);
  for (const line of table([['KEY', 'ROLE', 'ROWS', 'STATE'], ...lines])) print(line);
  for (const server of servers)
    print(
      `${server.host} (process ${server.pid}) has ${server.encryption_key_ids.join(', ') || 'not said which keys it has'}`,
    );
  if (unreadable.length > 0)
    print(`${counted(unreadable.length, 'row')} under no key of the ring: ${shortened(unreadable)}.`);
  return 0;
}

async function showPlan({ database, keyRing }: Installation, { json }: RotateOptions): Promise<number> {
  const { ring, file, from } = keyRing;
  const target = await chooseTarget({ db: database.kysely, ring });
  const counts = await countEncrypted(database.kysely, ring);
  const columns = counts.map(({ table: name, byKey, unreadable }) => ({
    table: name,
    rows: Array.from(byKey).reduce((sum, [id, rows]) => sum + (id === target ? 0 : rows), 0),
    set_aside: unreadable.length,
  }));
  if (json) {
    printJson({ to: target ?? null, columns });
    return 0;
  }
  if (target !== undefined) print(`Would make ${target} the active key and encrypt anew under it:`);
  else if (file !== null)
    print(`Would add a new key to ${file}, make it the active one and encrypt anew under it:`);
  else print(`Needs a new key in ${from}: there is none that was never used. Then it would encrypt anew:`);
  const lines = columns.map((column) => [column.table, String(column.rows), String(column.set_aside)]);
  for (const line of table([['TABLE', 'ROWS', 'SET ASIDE'], ...lines])) print(line);
  print('Nothing was changed.');
  return 0;
}

/** @returns the exit code: 0 forgotten, 1 not */
export async function forgetKeys(
  ids: readonly string[],
  { yes, json }: { yes?: true; json?: true },
): Promise<number> {
  return withInstallation(async ({ database, audit, keyRing }) => {
    const inUse = (await listKeysInUse(database.kysely)).filter(({ retiredAt }) => retiredAt === null);
    const unknown = ids.filter((id) => !inUse.some((key) => key.id === id));
    if (unknown.length > 0) {
      throw new UsageError(
        `No encryption key ${unknown.join(', ')} is in use. In use: ${inUse.map(({ id }) => id).join(', ') || 'none'}.`,
        { exitCode: 2 },
      );
    }
    const here = ids.filter((id) => keyRing.ring.keyIds.includes(id));
    if (here.length > 0) {
      throw new UsageError(
        `${here.join(', ')} is in the ring here, and not lost: keyward encryption-key rotate`,
        {
          exitCode: 2,
        },
      );
    }
    if (!yes && !(await confirmed(`Give up what only ${ids.join(', ')} opened?`, unasked))) {
      remark('Nothing was changed.');
      return 1;
    }
    for (const id of ids) {
      if (!(await forgetKey({ db: database.kysely, audit }, commandOccasion(), id)))
        remark(
          `No event tells that ${id} was forgotten: the key of the audit trail is lost too. See docs/audit.md.`,
        );
    }
    if (json) printJson({ forgotten: ids });
    else
      print(`Forgotten: ${ids.join(', ')}. Servers start without; what only they opened stays unreadable.`);
    return 0;
  });
}
