/** `keyward keys explain`: which source serves a provider, with which key, and why, on every running server. */
import { readAnsweredSince } from '../keys/health/answered-since.ts';
import { describeStoredKey, type StoredKeyView } from '../keys/explain-key.ts';
import { listLiveInstances, servedKeysOf, type ServedKeys } from '../keys/instances.ts';
import { serve } from '../keys/load-snapshot.ts';
import type { ProviderRow } from '../keys/provider-store.ts';
import type { ServedProvider } from '../keys/snapshot.ts';
import { viewUpstream } from '../keys/upstream-address.ts';
import { describePlace, placeOf } from '../keys/stored-key-place.ts';
import { print, printJson, remark } from './terminal.ts';
import { upstreamElsewhere } from './upstream-elsewhere.ts';
import { changeParts, findProvider, serveParts, withInstallation } from './with-installation.ts';

export async function explainKey(slug: string, options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const { config } = installation;
    const row = await findProvider(installation, slug);
    const served = serve(row, serveParts(installation));
    const live = await listLiveInstances(installation.database.kysely);
    const explained = explanationOf(row, { config, changes: changeParts(installation) }, served);
    const servers = live.map(({ host, pid, revision, serves }) => ({
      host,
      pid,
      revision,
      serves: serves[slug] ?? null,
    }));
    const here = row.is_active === true ? servedKeysOf([served])[slug] : undefined;
    const marked = {
      slug,
      fingerprint: explained.stored_key?.fingerprint ?? undefined,
      testStatus: row.api_key_test_status,
    };
    const { database, clock } = installation;
    const answered = (await readAnsweredSince(database.kysely, [marked], clock.now())).get(slug) ?? null;
    if (options.json) {
      printJson({
        provider: slug,
        ...explained,
        answered_since: answered,
        servers,
        this_environment: here ?? null,
      });
      return;
    }
    print(`${row.display_name} (${slug})`);
    print(`  active       ${row.is_active === true ? 'yes' : 'no: for callers it does not exist'}`);
    print(`  source       ${row.api_key_source}`);
    print(`  stored key   ${storedSentence(explained)}`);
    const binding = explained.stored_key?.binding ?? null;
    if (binding !== null) print(`  binding      ${bindingSentence(row, binding)}`);
    print(
      `  last test    ${row.api_key_test_status ?? 'none'}${row.api_key_last_tested ? ` at ${row.api_key_last_tested.toISOString()}` : ''}`,
    );
    if (answered !== null)
      print(
        `  calls        answered with it since, the last at ${answered.toISOString()}; test it again: keyward keys test ${slug}`,
      );
    const { base_url: url, from, problem } = explained.upstream;
    print(`  base URL     ${problem ?? `${url} (from ${from})`}`);
    for (const told of upstreamElsewhere(live, slug, url)) remark(told);
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

function storedSentence({ stored_key: stored }: Explanation): string {
  if (stored === null) return 'none';
  if (stored.mask === null) return `unreadable: ${stored.problem}`;
  return `${stored.mask} (${stored.fingerprint})`;
}

interface Explanation {
  readonly stored_key: StoredKeyView | null;
  readonly upstream: ReturnType<typeof viewUpstream>;
}

function explanationOf(
  row: ProviderRow,
  parts: Parameters<typeof describeStoredKey>[1],
  { upstream }: ServedProvider,
): Explanation {
  return {
    stored_key: describeStoredKey(row, parts),
    upstream: viewUpstream(upstream),
  };
}
