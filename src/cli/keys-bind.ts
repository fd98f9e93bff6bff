/** `keyward keys bind`: binds a stored key that another program left without a binding, after showing what to what. */
import { maskKey } from '../crypto/fingerprint.ts';
import { UsageError } from '../foundation/errors.ts';
import { bindKey as bindStoredKey } from '../keys/bind-key.ts';
import { describePlace, placeOf } from '../keys/stored-key-place.ts';
import { judgeStoredKey, type StoredKey } from '../keys/stored-key.ts';
import { confirmed } from './confirm.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  serveParts,
  withInstallation,
} from './with-installation.ts';

/** @returns the exit code: 0 bound, also before; 1 not confirmed */
export async function bindKey(
  slug: string,
  options: { yes?: true; reason?: string; json?: true },
): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    const { encrypted_api_key: storedToken } = row;
    const stored = judgeStoredKey(row, serveParts(installation));
    if (storedToken === null || stored === null)
      throw new UsageError(`No key is stored for ${slug}, so there is none to bind.`);
    const place = placeOf(row);
    const what = `${shownKey(stored)} to ${describePlace(place)}`;
    if (stored.binding === 'bound') {
      if (options.json) printJson({ provider: slug, bound: true, changed: false, host: place.host });
      else print(`It is bound already: ${what}.`);
      return 0;
    }
    if (stored.binding === 'parked') throw new UsageError(`Nothing was bound: ${problemOf(stored)}.`);
    if (!options.yes && !(await agreedTo(what))) {
      remark('Nothing was changed.');
      return 1;
    }
    const { revision } = await bindStoredKey(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
      {
        storedToken,
        host: place.host,
      },
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ provider: slug, bound: true, changed: true, host: place.host, revision, applied });
      return 0;
    }
    print(`Bound the stored key ${what}.`);
    print(applied);
    return 0;
  });
}

/** @throws UsageError where it cannot be read */
function shownKey(stored: StoredKey): string {
  if (stored.key === undefined) throw new UsageError(`The stored key cannot be bound: ${problemOf(stored)}.`);
  return `${maskKey(stored.key)} (${stored.key.fingerprint})`;
}

function problemOf({ candidate }: StoredKey): string {
  return 'problem' in candidate ? candidate.problem : '';
}

async function agreedTo(what: string): Promise<boolean> {
  return confirmed(
    `Bind the stored key ${what}? Does the key belong to this provider, and is that its host?`,
    `Binding a key asks first, and this is no terminal. Say --yes to bind ${what}.`,
  );
}
