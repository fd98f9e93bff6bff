/** `keyward keys expiry`: when the stored key ends, where its provider does not say. */
import { UsageError } from '../foundation/errors.ts';
import { setKeyExpiry } from '../keys/key-expiry.ts';
import { findActiveVersion } from '../keys/rotation/rotation-store.ts';
import { print, printJson } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

export interface ExpiryOptions {
  readonly at?: Date;
  readonly unknown?: true;
  readonly reason?: string;
  readonly json?: true;
}

/** Without anything to set it shows the date. */
export async function actOnExpiry(slug: string, { at, unknown, reason, json }: ExpiryOptions): Promise<void> {
  if (at !== undefined && unknown)
    throw new UsageError('Say either --at or --unknown: the key ends then, or is not known to.', {
      exitCode: 2,
    });
  await withInstallation(async (installation) => {
    const { id } = await findProvider(installation, slug);
    const { database, clock } = installation;
    const set =
      at === undefined && !unknown
        ? null
        : await setKeyExpiry(
            { changes: changeParts(installation), clock },
            await reasonedOccasion(installation, reason),
            slug,
            {
              expiresAt: at ?? null,
            },
          );
    const active = await findActiveVersion(database.kysely, id);
    const ends = active?.expires_at?.toISOString() ?? null;
    const applied = set === null ? null : await describeApplied(installation, set.revision);
    if (json)
      printJson({
        provider: slug,
        fingerprint: active?.fingerprint ?? null,
        expires_at: ends,
        ...(set !== null && { revision: set.revision, applied }),
      });
    else if (active === undefined) print(`No key of ${slug} is stored.`);
    else
      print(
        `${slug}: the stored key ${active.mask ?? ''} ${ends === null ? 'is not known to end' : `ends at ${ends}`}.`,
      );
  });
}
