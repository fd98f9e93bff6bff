/** `keyward keys remove`: removes a stored key, after saying what will serve instead. */
import { confirm, isCancel } from '@clack/prompts';
import { UsageError } from '../foundation/errors.ts';
import { removeKey as removeStoredKey } from '../keys/change-provider.ts';
import type { ProviderRow } from '../keys/provider-store.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  commandOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

/** @returns the exit code: 0 removed or nothing to remove, 1 not confirmed */
export async function removeKey(slug: string, options: { yes?: true; json?: true }): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    if (row.encrypted_api_key === null) {
      if (options.json) printJson({ provider: slug, removed: false });
      else print(`No key is stored for ${slug}.`);
      return 0;
    }
    if (!options.yes && !(await confirmed(row))) {
      remark('Nothing was changed.');
      return 1;
    }
    const { revision } = await removeStoredKey(changeParts(installation), commandOccasion(), slug);
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ provider: slug, removed: true, revision, applied });
      return 0;
    }
    print(`Removed the stored key of ${slug}. ${consequence(row)}`);
    print(applied);
    return 0;
  });
}

async function confirmed(row: ProviderRow): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError('Removing a key asks first, and this is no terminal. Say --yes to go on.', {
      exitCode: 2,
    });
  }
  const answer = await confirm({
    message: `Remove the stored key of ${row.provider_slug}? ${consequence(row)}`,
    initialValue: false,
    output: process.stderr,
  });
  return !isCancel(answer) && answer;
}

function consequence(row: ProviderRow): string {
  if (row.api_key_source === 'database')
    return 'Its source is database, so without the key nobody is served by it.';
  if (row.api_key_source === 'hybrid')
    return 'Its source is hybrid: the key of the environment serves, where one is set.';
  return 'Its source is environment, so this key does not serve anyway.';
}
