/** `keyward keys set`: takes a key without showing it anywhere, encrypts and stores it, and waits until it serves. */
import { maskKey } from '../crypto/fingerprint.ts';
import { UsageError } from '../foundation/errors.ts';
import { refuseForeignRing } from '../keys/foreign-ring.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { storeKey } from '../keys/change-provider.ts';
import { describeOfferedKey } from '../keys/offered-key.ts';
import { describeEndedRotation } from '../keys/rotation/ended-rotation.ts';
import { sourceThatServes } from '../keys/set-key.ts';
import type { Installation } from '../installation.ts';
import { readKey } from './read-key.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

export interface SetKeyOptions {
  readonly file?: string;
  readonly source?: string;
  /** When the key ends. */
  readonly expires?: Date;
  readonly reason?: string;
  readonly json?: true;
}

/** @returns the exit code: 0 stored, 1 stored but a running server does not serve it */
export async function setKey(slug: string, options: SetKeyOptions): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    await refuseForeignRing(installation.database, installation.keyRing.ring, installation.keyRing.from);
    const key = await readKey(`API key of ${slug}`, options.file);
    const { config, keyRing, fingerprinter } = installation;
    const shape = describeOfferedKey({ config, ring: keyRing.ring }, slug, key);
    if (shape.refusal !== undefined) throw new UsageError(shape.refusal, { exitCode: 2 });
    if (shape.warning !== undefined) remark(shape.warning);
    const source = options.source ?? sourceThatServes(row);
    const ended = await describeEndedRotation(installation.database.kysely, row.id);
    const { revision } = await storeKey(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
      {
        key,
        source,
        expiresAt: options.expires,
      },
    );
    if (ended !== null) remark(ended);
    const fingerprint = fingerprinter.of(key);
    const applied = await describeApplied(installation, revision);
    const notServed =
      source === 'environment' || row.is_active !== true
        ? []
        : await serversWithout(installation, slug, fingerprint);
    if (options.json) {
      printJson({
        provider: slug,
        source,
        mask: maskKey(key),
        fingerprint,
        revision,
        applied,
        not_served: notServed,
      });
      return notServed.length === 0 ? 0 : 1;
    }
    print(
      `Stored the key ${maskKey(key)} (${fingerprint}) for ${slug}, encrypted with ${keyRing.ring.activeKeyId}.`,
    );
    if (source !== row.api_key_source)
      print(`The source of ${slug} is now ${source}; it was ${row.api_key_source}.`);
    if (source === 'environment')
      remark('It does not serve: the source is environment. Change it with: keyward keys source');
    if (row.is_active !== true) remark(`${slug} is not active (is_active), so nobody is served by it.`);
    print(applied);
    for (const reason of notServed) remark(`But it does not serve there: ${reason}`);
    return notServed.length === 0 ? 0 : 1;
  });
}

/** The running servers that do not serve this key, each with its reason. */
async function serversWithout(
  { database }: Installation,
  slug: string,
  fingerprint: string,
): Promise<string[]> {
  const live = await listLiveInstances(database.kysely);
  return live
    .filter(({ serves }) => serves[slug]?.fingerprint !== fingerprint)
    .map(
      ({ host, pid, serves }) =>
        `${host} (process ${pid}): ${serves[slug]?.reason ?? 'the provider is not active there'}`,
    );
}
