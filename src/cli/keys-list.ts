/** `keyward keys list`: every provider, what is stored for it and what serves it. */
import { maskKey } from '../crypto/fingerprint.ts';
import type { ServedKeys } from '../keys/instances.ts';
import { listLiveInstances, servedKeysOf } from '../keys/instances.ts';
import { readStoredKey, serve } from '../keys/load-snapshot.ts';
import { readProviders, type ProviderRow } from '../keys/provider-store.ts';
import type { Installation } from '../open-installation.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

export async function listKeys(options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const rows = await readProviders(installation.database.kysely);
    const [server] = await listLiveInstances(installation.database.kysely);
    const served = server?.serves ?? servedFromHere(installation, rows);
    if (options.json) {
      printJson({ providers: rows.map((row) => describe(installation, row, served)) });
      return;
    }
    const lines = rows.map((row) => {
      const { provider, active, source, serves, stored, test_status } = describe(installation, row, served);
      const servedBy = serves?.source
        ? `${serves.source}${serves.fallback === null ? '' : ' (fallback)'}`
        : '-';
      return [
        provider,
        active ? source : 'not active',
        servedBy,
        stored ?? '-',
        test_status ?? '-',
        stored === null ? '-' : ago(row.api_key_updated_at),
      ];
    });
    for (const line of table([['PROVIDER', 'SOURCE', 'SERVED BY', 'STORED KEY', 'TEST', 'AGE'], ...lines]))
      print(line);
    if (server === undefined)
      remark('No server is running: "served by" is what the environment of this shell would give.');
  });
}

function servedFromHere(
  { config, keyRing, fingerprinter }: Installation,
  rows: readonly ProviderRow[],
): ServedKeys {
  const active = rows.filter((row) => row.is_active === true);
  return servedKeysOf(active.map((row) => serve(row, { config, keyRing: keyRing.ring, fingerprinter })));
}

function describe({ keyRing, fingerprinter }: Installation, row: ProviderRow, served: ServedKeys) {
  const stored =
    row.encrypted_api_key === null ? null : readStoredKey(row.encrypted_api_key, keyRing.ring, fingerprinter);
  return {
    provider: row.provider_slug,
    active: row.is_active === true,
    source: row.api_key_source,
    serves: served[row.provider_slug] ?? null,
    stored: stored === null ? null : 'key' in stored ? maskKey(stored.key) : 'unreadable',
    updated_at: row.api_key_updated_at,
    last_tested: row.api_key_last_tested,
    test_status: row.api_key_test_status,
  };
}
