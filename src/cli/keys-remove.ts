/** `keyward keys remove`: removes a stored key, after saying what will serve instead. */
import { removeKey as removeStoredKey } from '../keys/change-provider.ts';
import { describeEndedRotation } from '../keys/rotation/ended-rotation.ts';
import type { ProviderRow } from '../keys/provider-store.ts';
import { confirmed } from './confirm.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

const unasked = 'Removing a key asks first, and this is no terminal. Say --yes to go on.';

/** @returns the exit code: 0 removed or nothing to remove, 1 not confirmed */
export async function removeKey(
  slug: string,
  options: { yes?: true; reason?: string; json?: true },
): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    if (row.encrypted_api_key === null) {
      if (options.json) printJson({ provider: slug, removed: false });
      else print(`No key is stored for ${slug}.`);
      return 0;
    }
    const ended = await describeEndedRotation(installation.database.kysely, row.id);
    const what = [consequence(row), ...(ended === null ? [] : [ended])].join(' ');
    if (!options.yes && !(await confirmed(`Remove the stored key of ${slug}? ${what}`, unasked))) {
      remark('Nothing was changed.');
      return 1;
    }
    const { revision } = await removeStoredKey(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ provider: slug, removed: true, revision, applied });
      return 0;
    }
    print(`Removed the stored key of ${slug}. ${what}`);
    print(applied);
    return 0;
  });
}

function consequence(row: ProviderRow): string {
  if (row.api_key_source === 'database')
    return 'Its source is database, so without the key nobody is served by it.';
  if (row.api_key_source === 'hybrid')
    return 'Its source is hybrid: the key of the environment serves, where one is set.';
  return 'Its source is environment, so this key does not serve anyway.';
}
