/** `keyward keys explain`: which source serves a provider, with which key, and why, on every running server. */
import { maskKey } from '../crypto/fingerprint.ts';
import { listLiveInstances, servedKeysOf, type ServedKeys } from '../keys/instances.ts';
import { serve } from '../keys/load-snapshot.ts';
import type { ProviderRow } from '../keys/provider-store.ts';
import type { ServedProvider } from '../keys/snapshot.ts';
import { describePlace, placeOf } from '../keys/stored-key-place.ts';
import { readStoredKey } from '../keys/stored-key.ts';
import type { Installation } from '../installation.ts';
import { print, printJson, remark } from './terminal.ts';
import { findProvider, serveParts, withInstallation } from './with-installation.ts';

export async function explainKey(slug: string, options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    const served = serve(row, serveParts(installation));
    const live = await listLiveInstances(installation.database.kysely);
    const explanation = { ...stored(installation, row, served), ...address(served) };
    const servers = live.map(({ host, pid, revision, serves }) => ({
      host,
      pid,
      revision,
      serves: serves[slug] ?? null,
    }));
    const here = row.is_active === true ? servedKeysOf([served])[slug] : undefined;
    if (options.json) {
      printJson({ provider: slug, ...explanation, servers, this_environment: here ?? null });
      return;
    }
    print(`${row.display_name} (${slug})`);
    print(`  active       ${row.is_active === true ? 'yes' : 'no: for callers it does not exist'}`);
    print(`  source       ${row.api_key_source}`);
    print(`  stored key   ${explanation.stored_key ?? 'none'}`);
    if (explanation.binding !== null) print(`  binding      ${bindingSentence(row, explanation.binding)}`);
    print(
      `  last test    ${row.api_key_test_status ?? 'none'}${row.api_key_last_tested ? ` at ${row.api_key_last_tested.toISOString()}` : ''}`,
    );
    print(`  base URL     ${explanation.base_url}`);
    for (const server of servers) {
      print(
        `  serves now   ${sentence(server.serves)} [${server.host}, process ${server.pid}, revision ${server.revision}]`,
      );
    }
    if (servers.length > 0 || row.is_active !== true) return;
    print(`  would serve  ${sentence(here ?? null)}`);
    remark('No server is running: this is what the environment of this shell would give.');
  });
}

function sentence(served: ServedKeys[string] | null): string {
  if (served === null) return 'nothing: the provider is not active';
  if (served.source === null) return `nothing: ${served.reason}`;
  const fallback = served.fallback === null ? '' : `, a fallback (${served.fallback})`;
  return `${served.fingerprint} from ${served.source}${fallback}: ${served.reason}`;
}

function bindingSentence(row: ProviderRow, binding: NonNullable<ServedProvider['keyBinding']>): string {
  const place = describePlace(placeOf(row));
  if (binding === 'bound') return `good: to ${place}`;
  if (binding === 'parked') return `parked: not to ${place}; enter the key again`;
  return `none: another program stored the key; bind it to ${place} with: keyward keys bind ${row.provider_slug}`;
}

function stored(
  { keyRing, fingerprinter }: Installation,
  row: ProviderRow,
  { keyBinding }: ServedProvider,
): { stored_key: string | null; binding: ServedProvider['keyBinding'] } {
  if (row.encrypted_api_key === null) return { stored_key: null, binding: null };
  const read = readStoredKey(row.encrypted_api_key, keyRing.ring, fingerprinter);
  return {
    stored_key:
      'key' in read ? `${maskKey(read.key)} (${read.key.fingerprint})` : `unreadable: ${read.problem}`,
    binding: keyBinding,
  };
}

function address({ upstream }: ServedProvider): { base_url: string } {
  return {
    base_url: 'problem' in upstream ? upstream.problem : `${upstream.baseUrl} (from ${upstream.from})`,
  };
}
