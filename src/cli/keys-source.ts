/** `keyward keys source`: says where the key of a provider is found from now on. */
import type { Installation } from '../installation.ts';
import { setSource } from '../keys/change-provider.ts';
import { listLiveInstances, servedKeysOf } from '../keys/instances.ts';
import { serve } from '../keys/load-snapshot.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  serveParts,
  withInstallation,
} from './with-installation.ts';

export async function changeSource(
  slug: string,
  source: string,
  options: { reason?: string; json?: true },
): Promise<void> {
  await withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    const { revision } = await setSource(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
      {
        source,
      },
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ provider: slug, source, was: row.api_key_source, revision, applied });
      return;
    }
    if (source === row.api_key_source) print(`The source of ${slug} is ${source}, as it was.`);
    else print(`The source of ${slug} is now ${source}; it was ${row.api_key_source}.`);
    if (source === 'database' && row.encrypted_api_key === null) {
      remark(`No key is stored for ${slug}, so nobody is served. Store one with: keyward keys set ${slug}`);
    }
    print(applied);
    await warnWhereNoneServes(installation, slug);
  });
}

/** What the running servers say; where none runs, what the environment of this shell would give. */
async function warnWhereNoneServes(installation: Installation, slug: string): Promise<void> {
  const row = await findProvider(installation, slug);
  // For callers it does not exist, whatever its source; and a source without a stored key was told of above.
  if (row.is_active !== true || (row.api_key_source === 'database' && row.encrypted_api_key === null)) return;
  const live = await listLiveInstances(installation.database.kysely);
  const here = live.length === 0 ? [servedKeysOf([serve(row, serveParts(installation))])[slug]] : [];
  const none = [...live.map(({ serves }) => serves[slug]), ...here].find((served) => served?.source === null);
  if (none === undefined) return;
  remark(`Warning: no key serves ${slug}: ${none.reason}. Calls fail with 503 until one does.`);
  if (live.length === 0)
    remark('No server is running: this is what the environment of this shell would give.');
}
