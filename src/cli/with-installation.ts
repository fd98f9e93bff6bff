/** Opens the installation for one command and closes it whatever happens. */
import { commandActor } from '../audit/actors.ts';
import type { Occasion } from '../audit/audit-event.ts';
import { loadConfig } from '../foundation/config.ts';
import { UsageError } from '../foundation/errors.ts';
import type { ChangeParts } from '../keys/change-provider.ts';
import { waitUntilApplied } from '../keys/instances.ts';
import { readProviders, type ProviderRow } from '../keys/provider-store.ts';
import { openInstallation, type Installation } from '../open-installation.ts';
import { remark } from './terminal.ts';

const applyTimeoutMs = 5_000;

export async function withInstallation<T>(action: (installation: Installation) => Promise<T>): Promise<T> {
  const installation = await openInstallation(loadConfig(), { as: 'command', onProgress: remark });
  try {
    return await action(installation);
  } finally {
    await installation.close();
  }
}

/** What this command's changes are recorded with. */
export function commandOccasion(): Occasion {
  return { actor: commandActor() };
}

export function changeParts({ audit, keyRing, fingerprinter }: Installation): ChangeParts {
  return { audit, ring: keyRing.ring, fingerprinter };
}

/** @throws UsageError that names the providers there are */
export async function findProvider({ database }: Installation, slug: string): Promise<ProviderRow> {
  const rows = await readProviders(database.kysely);
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
