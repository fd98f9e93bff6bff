/** Opens the installation for one command and closes it whatever happens. */
import type { SecretsParts } from '../alerts/known-secrets.ts';
import { refuseSecrets, type ShownTexts } from '../alerts/refuse-secrets.ts';
import { scrubReason } from '../alerts/scrub-reason.ts';
import { commandActor } from '../audit/actors.ts';
import { fileAnchor } from '../audit/anchor-file.ts';
import type { Occasion } from '../audit/audit-event.ts';
import { HeadKeeper } from '../audit/head-keeper.ts';
import { loadConfig } from '../foundation/config.ts';
import { KeywardError, messageOf, UsageError } from '../foundation/errors.ts';
import type { Installation } from '../installation.ts';
import type { ChangeParts } from '../keys/change-provider.ts';
import { waitUntilApplied } from '../keys/instances.ts';
import type { ServeParts } from '../keys/load-snapshot.ts';
import { readProviders, type ProviderRow } from '../keys/provider-store.ts';
import { readStoredKeys } from '../keys/read-stored-keys.ts';
import { openInstallation } from '../open-installation.ts';
import { remark } from './terminal.ts';

const applyTimeoutMs = 5_000;

export async function withInstallation<T>(action: (installation: Installation) => Promise<T>): Promise<T> {
  const installation = await openInstallation(loadConfig(), { as: 'command', onProgress: remark });
  const { createdFile } = installation.keyRing;
  if (createdFile !== null)
    remark(
      `Made the encryption key ${createdFile} (mode 0600). Back it up: without it every stored key is lost.`,
    );
  let hasAppended = false;
  installation.audit.onAppended(() => {
    hasAppended = true;
  });
  try {
    return await action(installation);
  } finally {
    if (hasAppended) await noteHead(installation);
    await installation.close();
  }
}

/** A running server notes the head; where none runs, and the heads lie beside the database, this command does. */
export async function noteHead({
  config,
  database,
  clock,
  keyRing,
}: Pick<Installation, 'config' | 'database' | 'clock' | 'keyRing'>): Promise<void> {
  const { anchor } = config.audit;
  if (anchor.kind !== 'file' || !database.ownsEngine) return;
  const heads = new HeadKeeper({
    db: database.kysely,
    anchor: fileAnchor(anchor.path),
    clock,
    ring: keyRing.ring,
    onCut: (_heads, message) => remark(`Warning: ${message}`),
    onForged: (_found, message) => remark(`Warning: ${message}`),
  });
  await heads.noteHead().catch((error: unknown) => {
    remark(`The head of the audit trail cannot be noted in ${anchor.path}: ${messageOf(error)}`);
  });
}

/** @param reason kept as it was given: one that a person gave goes through reasonedOccasion */
export function commandOccasion(reason?: string): Occasion {
  return { actor: commandActor(), ...(reason !== undefined && { reason }) };
}

type SecretKeeper = Pick<Installation, 'database' | 'keyRing' | 'config'>;

/** @param reason in the words of who called the command; the secrets of the installation are taken out */
export async function reasonedOccasion(
  installation: SecretKeeper,
  reason: string | undefined,
): Promise<Occasion> {
  if (reason === undefined) return commandOccasion();
  return commandOccasion(await scrubReason(knownSecretsOf(installation), reason));
}

/** As refuseSecrets, for the arguments of a command. Throws UsageError with exit code 2. */
export async function refuseSecretsIn(installation: SecretKeeper, texts: ShownTexts): Promise<void> {
  try {
    await refuseSecrets(knownSecretsOf(installation), texts);
  } catch (error) {
    if (!(error instanceof KeywardError) || error.code !== 'field_invalid') throw error;
    throw new UsageError(error.message, { exitCode: 2 });
  }
}

/** Where the secrets are found that no text may hold which is kept and shown. */
function knownSecretsOf({ database, keyRing, config }: SecretKeeper): SecretsParts {
  return { db: database.kysely, ring: keyRing.ring, config, readStoredKeys };
}

export function changeParts({ audit, keyRing, fingerprinter, config, bindings }: Installation): ChangeParts {
  return { audit, ring: keyRing.ring, fingerprinter, config, bindings };
}

/** What it takes to say how the environment of this shell would serve a row. */
export function serveParts({ config, keyRing, fingerprinter, bindings }: Installation): ServeParts {
  return { config, keyRing: keyRing.ring, fingerprinter, bindings };
}

/** All providers; what their keys are bound to is known from then on. */
export async function readRows({ database, bindings, keyRing }: Installation): Promise<ProviderRow[]> {
  const rows = await readProviders(database.kysely);
  await bindings.refresh(database.kysely, rows, keyRing.ring);
  return rows;
}

/** @throws UsageError that names the providers there are */
export async function findProvider(installation: Installation, slug: string): Promise<ProviderRow> {
  const rows = await readRows(installation);
  const row = rows.find(({ provider_slug }) => provider_slug === slug);
  if (row !== undefined) return row;
  throw new UsageError(
    `There is no provider "${slug}". There are: ${rows.map((one) => one.provider_slug).join(', ')}.`,
    {
      exitCode: 2,
    },
  );
}

/** Waits until the running servers serve the revision, and says how it went. */
export async function describeApplied({ database }: Installation, revision: number): Promise<string> {
  const { live, behind } = await waitUntilApplied(database.kysely, revision, applyTimeoutMs);
  if (live.length === 0) return `Revision ${revision}; no server is running.`;
  if (behind.length === 0)
    return `Live on ${live.length === 1 ? 'the running server' : `all ${live.length} servers`} (revision ${revision}).`;
  const names = behind.map(({ host, pid }) => `${host} (process ${pid})`).join(', ');
  return `Revision ${revision}; ${live.length - behind.length} of ${live.length} servers have it, not yet: ${names}.`;
}
