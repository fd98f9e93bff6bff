/** `keyward keys list`: every provider, what is stored for it and what serves it. */
import { maskKey } from '../crypto/fingerprint.ts';
import type { ServedKeys } from '../keys/instances.ts';
import { listLiveInstances, servedKeysOf } from '../keys/instances.ts';
import { serve } from '../keys/load-snapshot.ts';
import type { ProviderRow } from '../keys/provider-store.ts';
import { judgeStoredKey } from '../keys/stored-key.ts';
import type { Installation } from '../installation.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import { readRows, serveParts, withInstallation } from './with-installation.ts';

export async function listKeys(options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const rows = await readRows(installation);
    const [server] = await listLiveInstances(installation.database.kysely);
    const served = server?.serves ?? servedFromHere(installation, rows);
    if (options.json) {
      printJson({ providers: rows.map((row) => describe(installation, row, served)) });
      return;
    }
    const lines = rows.map((row) => {
      const described = describe(installation, row, served);
      const { provider, active, source, serves, stored, binding, test_status } = described;
      const servedBy = serves?.source
        ? `${serves.source}${serves.fallback === null ? '' : ' (fallback)'}`
        : '-';
      return [
        provider,
        active ? source : 'not active',
        servedBy,
        stored === null
          ? '-'
          : binding === 'unbound' || binding === 'parked'
            ? `${stored} (${binding})`
            : stored,
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

function servedFromHere(installation: Installation, rows: readonly ProviderRow[]): ServedKeys {
  const active = rows.filter((row) => row.is_active === true);
  return servedKeysOf(active.map((row) => serve(row, serveParts(installation))));
}

function describe(installation: Installation, row: ProviderRow, served: ServedKeys) {
  const stored = judgeStoredKey(row, serveParts(installation));
  return {
    provider: row.provider_slug,
    active: row.is_active === true,
    source: row.api_key_source,
    serves: served[row.provider_slug] ?? null,
    stored: stored === null ? null : stored.key === undefined ? 'unreadable' : maskKey(stored.key),
    binding: stored?.binding ?? null,
    updated_at: row.api_key_updated_at,
    last_tested: row.api_key_last_tested,
    test_status: row.api_key_test_status,
  };
}
