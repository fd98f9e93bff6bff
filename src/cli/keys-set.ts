/** `keyward keys set`: takes a key without showing it anywhere, encrypts and stores it, and waits until it serves. */
import { createReadStream } from 'node:fs';
import { isCancel, password } from '@clack/prompts';
import { maskKey } from '../crypto/fingerprint.ts';
import { messageOf, UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';
import { refuseForeignRing } from '../keys/foreign-ring.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { storeKey } from '../keys/change-provider.ts';
import { describeOfferedKey } from '../keys/offered-key.ts';
import { sourceThatServes } from '../keys/set-key.ts';
import type { Installation } from '../installation.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  commandOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

/** No key and no file around one is longer. */
const longestInput = 64 * 1024;

/** @returns the exit code: 0 stored, 1 stored but a running server does not serve it */
export async function setKey(
  slug: string,
  options: { file?: string; source?: string; json?: true },
): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    await refuseForeignRing(installation.database, installation.keyRing.ring, installation.keyRing.from);
    const key = await readKey(slug, options.file);
    const { config, keyRing, fingerprinter } = installation;
    const shape = describeOfferedKey({ config, ring: keyRing.ring }, slug, key);
    if (shape.refusal !== undefined) throw new UsageError(shape.refusal, { exitCode: 2 });
    if (shape.warning !== undefined) remark(shape.warning);
    const source = options.source ?? sourceThatServes(row);
    const { revision } = await storeKey(changeParts(installation), commandOccasion(), slug, { key, source });
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

async function readKey(slug: string, file: string | undefined): Promise<Secret> {
  if (file !== undefined) return readSecret(createReadStream(file), `The file ${file}`);
  if (!process.stdin.isTTY) return readSecret(process.stdin, 'Standard input');
  const { signal, forget } = endOfInput();
  const typed = await password({
    message: `API key of ${slug} (it is not shown)`,
    output: process.stderr,
    signal,
  });
  forget();
  if (isCancel(typed)) throw new UsageError('Nothing was changed.');
  return new Secret((typed ?? '').trim());
}

/** Ctrl-D, or the end of the terminal itself: the prompt does not take either for an answer. */
function endOfInput(): { signal: AbortSignal; forget: () => void } {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const look = (typed: Buffer | string): void => {
    if (typed.toString().includes('\u0004')) end();
  };
  process.stdin.once('end', end).on('data', look);
  return {
    signal: ended.signal,
    forget: () => process.stdin.off('end', end).off('data', look).pause(),
  };
}

async function readSecret(input: AsyncIterable<Buffer | string>, where: string): Promise<Secret> {
  let text = '';
  try {
    for await (const chunk of input) {
      text += chunk.toString();
      if (text.length > longestInput)
        throw new UsageError(`${where} holds more than a key. Nothing was changed.`);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${where} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return new Secret(text.trim());
}
