/** `keyward keys list`: every provider, what is stored for it and what serves it. */
import { maskKey } from '../crypto/fingerprint.ts';
import { readAnsweredSince } from '../keys/health/answered-since.ts';
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
    const parts = serveParts(installation);
    const marked = rows.map((row) => ({
      slug: row.provider_slug,
      fingerprint: judgeStoredKey(row, parts)?.key?.fingerprint,
      testStatus: row.api_key_test_status,
    }));
    const { database, clock } = installation;
    const answered = await readAnsweredSince(database.kysely, marked, clock.now());
    const described = rows.map((row) => ({
      ...describe(installation, row, served),
      answered_since: answered.get(row.provider_slug) ?? null,
    }));
    if (options.json) {
      printJson({ providers: described });
      return;
    }
    const lines = described.map((one) => {
      const { provider, active, source, serves, stored, binding, test_status, updated_at } = one;
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
        one.answered_since === null ? (test_status ?? '-') : `${test_status}, but answered`,
        stored === null ? '-' : ago(updated_at),
      ];
    });
    for (const line of table([['PROVIDER', 'SOURCE', 'SERVED BY', 'STORED KEY', 'TEST', 'AGE'], ...lines]))
      print(line);
    if (described.some((one) => one.answered_since !== null))
      remark(
        'Calls are answered with a key that its last test found invalid. Test it again: keyward keys test <provider>',
      );
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
