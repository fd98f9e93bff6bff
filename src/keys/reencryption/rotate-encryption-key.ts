/**
 * The change of the encryption key, from the first step to the last. It keeps no state of its own: ring,
 * instances and database say where it stands, so a run that was killed is begun again and goes on from there.
 */
import { addKeyToFile, putKeyFirst } from '../../crypto/encryption-key-file.ts';
import type { FoundKeyRing } from '../../crypto/find-key-ring.ts';
import { UsageError } from '../../foundation/errors.ts';
import { waitForInstances, type LiveInstance } from '../instances.ts';
import { countEncrypted, rowsByKey } from './count-encrypted.ts';
import { admitRing, listKeysInUse, retireKey } from './keys-in-use.ts';
import type { ReencryptParts, SetAside } from './reencrypt-column.ts';
import { reencryptAll, type ReencryptOptions } from './reencrypt.ts';

/** What the operator has to do before it can go on. */
const handExitCode = 3;

export interface RotationParts extends ReencryptParts {
  readonly found: FoundKeyRing;
}

export interface RotationOptions extends ReencryptOptions {
  /** How long it waits for the instances at each step, in milliseconds. */
  readonly waitMs: number;
  readonly onStep: (sentence: string) => void;
}

export interface Rotated {
  readonly activeKeyId: string;
  readonly reencrypted: number;
  readonly setAside: readonly SetAside[];
  /** Keys of the ring under which nothing is stored any more. */
  readonly removable: readonly string[];
  /** Rows that are still under another key, by its id: somebody writes under it. */
  readonly left: ReadonlyMap<string, number>;
}

/**
 * Adds a key where the ring stands in a file, waits until every live instance knows it, makes it active, waits
 * again, encrypts everything anew, and counts what is left.
 * @throws UsageError with exit code 3 that says what is to be done by hand, where the ring stands elsewhere
 */
export async function rotateEncryptionKey(parts: RotationParts, options: RotationOptions): Promise<Rotated> {
  const { db, ring, found, occasion } = parts;
  const { onStep, waitMs } = options;
  await admitRing(db, ring, found.from);
  const target = (await chooseTarget(parts)) ?? (await addKey(found, onStep));
  await waitForServers(parts, waitMs, onStep, {
    until: ({ encryptionKeyIds }) => encryptionKeyIds.includes(target),
    what: `decrypt what the key ${target} encrypts`,
    hint: `Add it at the end of the encryption key ring there, then run this again.`,
  });
  if (ring.activeKeyId !== target) {
    if (found.file === null) throw mustBePutFirst(target, found.from);
    const { remarks } = putKeyFirst(found.file, target);
    for (const remark of remarks) onStep(remark);
    ring.become((await found.reread?.()) ?? ring);
    onStep(`The key ${target} stands first in ${found.file}: it encrypts from now on.`);
  }
  await waitForServers(parts, waitMs, onStep, {
    until: ({ encryptionKeyIds }) => encryptionKeyIds[0] === target,
    what: `encrypt under the key ${target}`,
    hint: `Put it first in the encryption key ring there, then run this again.`,
  });
  await admitRing(db, ring, found.from);
  const { reencrypted, setAside } = await reencryptAll(parts, options);
  const counts = await countEncrypted(db, ring);
  const left = rowsByKey(counts);
  left.delete(target);
  const removable = ring.keyIds.filter((id) => id !== target && !left.has(id));
  for (const id of removable) await retireKey(parts, occasion, id, { rows_left: 0, active_key_id: target });
  return { activeKeyId: target, reencrypted, setAside, removable, left };
}

/**
 * Where the rotation leads: a key of the ring that was never used; else the active one, while others are still
 * needed. Undefined where a new key has to come.
 */
export async function chooseTarget({
  db,
  ring,
}: Pick<RotationParts, 'db' | 'ring'>): Promise<string | undefined> {
  const known = await listKeysInUse(db);
  // Where no server has started yet, nobody has noted which key is in use: it is the active one.
  const unused = ring.keyIds.filter(
    (id) => !known.some((key) => key.id === id) && (known.length > 0 || id !== ring.activeKeyId),
  );
  if (unused.length > 1) {
    throw new UsageError(
      `The encryption key ring holds ${unused.length} keys that were never used: ${unused.join(', ')}. Leave one of them in it.`,
      { exitCode: 2 },
    );
  }
  const [fresh] = unused;
  if (fresh !== undefined) return fresh;
  const others = known.some(({ id, retiredAt }) => retiredAt === null && id !== ring.activeKeyId);
  return others ? ring.activeKeyId : undefined;
}

async function addKey(
  { ring, file, from, reread }: FoundKeyRing,
  onStep: RotationOptions['onStep'],
): Promise<string> {
  if (file === null) {
    throw new UsageError(
      `The encryption key ring stands in ${from}, where Keyward cannot change it. Make a key (keyward encryption-key generate), add it behind the present one, after a comma or on a line of its own, for every instance and for this command; restart what does not read it by itself; then run this again.`,
      { exitCode: handExitCode },
    );
  }
  const before = ring.keyIds;
  const { remarks } = addKeyToFile(file);
  for (const remark of remarks) onStep(remark);
  ring.become((await reread?.()) ?? ring);
  const added = ring.keyIds.find((id) => !before.includes(id));
  if (added === undefined) throw new Error('the file holds no new key');
  onStep(`Added the key ${added} to ${file}: it decrypts only, for now. Back the file up.`);
  return added;
}

function mustBePutFirst(target: string, from: string): UsageError {
  return new UsageError(
    `Every instance knows the key ${target}. Now put it first in ${from}, for every instance and for this command, restart what does not read it by itself, and run this again.`,
    { exitCode: handExitCode },
  );
}

async function waitForServers(
  { db }: RotationParts,
  waitMs: number,
  onStep: RotationOptions['onStep'],
  { until, what, hint }: { until: (instance: LiveInstance) => boolean; what: string; hint: string },
): Promise<void> {
  let told = '';
  const { live, behind } = await waitForInstances(db, until, waitMs, (waitedFor) => {
    const names = namesOf(waitedFor);
    if (told !== names) onStep(`Waiting until every running server can ${what}; not yet: ${names}.`);
    told = names;
  });
  if (behind.length > 0) {
    throw new UsageError(
      `${behind.length} of ${live.length} running servers cannot ${what} yet: ${namesOf(behind)}. ${hint}`,
      { exitCode: handExitCode },
    );
  }
  if (live.length > 0)
    onStep(`${live.length === 1 ? 'The running server' : `All ${live.length} running servers`} can ${what}.`);
}

function namesOf(servers: readonly LiveInstance[]): string {
  return servers.map(({ host, pid }) => `${host} (process ${pid})`).join(', ');
}
