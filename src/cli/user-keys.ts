/** `keyward user-keys`: whose keys there are beside those of the platform, masked, and their removal. */
import { UsageError } from '../foundation/errors.ts';
import { visible } from '../foundation/visible-text.ts';
import { removeUserKey } from '../keys/remove-user-key.ts';
import { allUserKeys, findUserKey, type OwnedUserKey } from '../keys/user-key-store.ts';
import { viewOwnedUserKey } from '../keys/view-user-key.ts';
import { confirmed } from './confirm.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import { describeApplied, reasonedOccasion, withInstallation } from './with-installation.ts';

export interface ListUserKeysOptions {
  readonly owner?: string;
  readonly provider?: string;
  readonly json?: true;
}

const heading = ['ID', 'OWNER', 'PROVIDER', 'KEY', 'NAME', 'AGE', 'TESTED', 'STATE'];

export async function printUserKeys({ owner, provider, json }: ListUserKeysOptions): Promise<void> {
  await withInstallation(async ({ database }) => {
    const keys = await allUserKeys(database.kysely, { owner, provider });
    if (json) {
      printJson({ user_keys: keys.map((key) => viewOwnedUserKey(key)) });
      return;
    }
    const rows = keys.map((key) => [
      String(key.id),
      visible(key.owner),
      key.slug,
      key.mask,
      key.name ?? '-',
      ago(key.replacedAt ?? key.createdAt),
      key.testedAt === null ? '-' : `${ago(key.testedAt)} ago`,
      stateIn(key),
    ]);
    for (const line of table([heading, ...rows])) print(line);
    if (rows.length > 0) return;
    const isFiltered = owner !== undefined || provider !== undefined;
    remark(isFiltered ? 'No key of a user is like this.' : 'No user has brought a key.');
  });
}

function stateIn({ isActive, isValidated, problem, testedAt }: OwnedUserKey): string {
  const verdict = isValidated ? 'valid' : problem !== null ? `not valid: ${problem}` : 'not valid';
  const said = testedAt === null && problem === null && !isValidated ? 'untested' : verdict;
  return isActive ? said : `off, ${said}`;
}

export interface RemoveUserKeyOptions {
  readonly yes?: true;
  readonly reason?: string;
  readonly json?: true;
}

const unasked = 'Removing a key asks first, and this is no terminal. Say --yes to go on.';

/** @returns the exit code: 0 removed, 1 not confirmed */
export async function endUserKey(id: number, options: RemoveUserKeyOptions): Promise<number> {
  return withInstallation(async (installation) => {
    const key = await findUserKey(installation.database.kysely, id);
    if (key === undefined)
      throw new UsageError(
        `There is no key of a user with the number ${id}. See them with: keyward user-keys list`,
        { exitCode: 2 },
      );
    const what = `the key ${key.mask} of ${visible(key.owner)} for ${key.slug}`;
    const then = 'Their calls then go with the key of the platform. It lives on at its provider.';
    if (!options.yes && !(await confirmed(`Remove ${what}? ${then}`, unasked))) {
      remark('Nothing was changed.');
      return 1;
    }
    const occasion = await reasonedOccasion(installation, options.reason);
    const { revision } = await removeUserKey(installation.audit, occasion, id);
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ id, owner: key.owner, provider: key.slug, removed: true, revision, applied });
      return 0;
    }
    print(`Removed ${what}. ${then}`);
    print(applied);
    return 0;
  });
}
