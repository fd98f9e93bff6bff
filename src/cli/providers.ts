/** `keyward providers`: which there are, and what can be said of each beside its key. */
import type { z } from 'zod';
import { UsageError } from '../foundation/errors.ts';
import { changeProvider, createProvider, deleteProvider } from '../keys/change-provider-settings.ts';
import { serveHere } from '../keys/explain-key.ts';
import { readProviders, type ProviderRow } from '../keys/provider-store.ts';
import { baseUrl, displayName, newSlug } from '../keys/provider-rules.ts';
import type { ProviderSettings } from '../keys/provider-settings.ts';
import { shownUrl } from '../keys/upstream-address.ts';
import type { Installation } from '../installation.ts';
import { confirmed } from './confirm.ts';
import { print, printJson, remark, table } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

export interface ProviderOptions {
  readonly name?: string;
  readonly baseUrl?: string;
  readonly source?: string;
  readonly active?: 'yes' | 'no';
  readonly privateNetwork?: 'yes' | 'no';
  readonly userKeys?: 'yes' | 'no';
  readonly reason?: string;
  readonly json?: true;
}

const unasked = 'Deleting a provider asks first, and this is no terminal. Say --yes to go on.';

export async function listProviders(options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const rows = await readProviders(installation.database.kysely);
    if (options.json) {
      printJson({ providers: rows.map((row) => describe(installation, row)) });
      return;
    }
    const lines = rows.map((row) => {
      const { provider, name, active, source, base_url } = describe(installation, row);
      return [provider, name, active ? 'yes' : 'no', source, base_url];
    });
    for (const line of table([['PROVIDER', 'NAME', 'ACTIVE', 'SOURCE', 'BASE URL'], ...lines])) print(line);
  });
}

export async function showProvider(slug: string, options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const described = describe(installation, await findProvider(installation, slug));
    if (options.json) {
      printJson(described);
      return;
    }
    const { provider, name, active, source, base_url, is_byok_supported: takesUserKeys } = described;
    print(`${name} (${provider})`);
    print(`  active    ${active ? 'yes' : 'no: for callers it does not exist'}`);
    print(`  source    ${source}`);
    print(`  base URL  ${base_url}`);
    print(`  user keys ${takesUserKeys ? 'yes: users may bring keys of their own' : 'no'}`);
    remark(`Its key: keyward keys explain ${slug}`);
  });
}

export async function createNewProvider(slug: string, options: ProviderOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const settings = settingsIn(options);
    accept(newSlug, slug, 'The slug');
    const { revision } = await createProvider(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      {
        ...settings,
        slug,
        displayName: settings.displayName ?? slug,
      },
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ provider: slug, revision, applied });
    else {
      print(`Made the provider ${slug}. ${applied}`);
      remark(`Store its key with: keyward keys set ${slug}`);
    }
  });
}

export async function changeOneProvider(slug: string, options: ProviderOptions): Promise<void> {
  const settings = settingsIn(options);
  if (Object.values(settings).every((value) => value === undefined)) {
    throw new UsageError('Say what to change: keyward providers change --help', { exitCode: 2 });
  }
  await withInstallation(async (installation) => {
    await findProvider(installation, slug);
    const { revision, parked } = await changeProvider(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
      settings,
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ provider: slug, revision, parked, applied });
      return;
    }
    print(`Changed the provider ${slug}. ${applied}`);
    if (parked)
      remark(`Its key belongs to the host before and does not serve. Set it again: keyward keys set ${slug}`);
  });
}

/** @returns the exit code: 0 deleted, 1 not confirmed */
export async function deleteOneProvider(
  slug: string,
  options: { force?: true; yes?: true; reason?: string; json?: true },
): Promise<number> {
  return withInstallation(async (installation) => {
    await findProvider(installation, slug);
    if (!options.yes && !(await confirmed(`Delete the provider ${slug}?`, unasked))) {
      remark('Nothing was changed.');
      return 1;
    }
    const { revision } = await deleteProvider(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
      {
        force: options.force,
      },
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ provider: slug, deleted: true, revision, applied });
    else print(`Deleted the provider ${slug}. ${applied}`);
    return 0;
  });
}

function settingsIn(options: ProviderOptions): ProviderSettings {
  return {
    displayName: options.name === undefined ? undefined : accept(displayName, options.name, 'The name'),
    baseUrl: options.baseUrl === undefined ? undefined : accept(baseUrl, options.baseUrl, 'The base URL'),
    source: options.source,
    isActive: truth(options.active),
    allowPrivateNetwork: truth(options.privateNetwork),
    isByokSupported: truth(options.userKeys),
  };
}

function truth(word: 'yes' | 'no' | undefined): boolean | undefined {
  return word === undefined ? undefined : word === 'yes';
}

/** @throws UsageError in the words of the rule */
function accept(rule: z.ZodType<string>, text: string, what: string): string {
  const accepted = rule.safeParse(text);
  if (accepted.success) return accepted.data;
  throw new UsageError(`${what} ${accepted.error.issues[0]?.message ?? 'is not as it must be'}.`, {
    exitCode: 2,
  });
}

function describe({ config, ...installation }: Installation, row: ProviderRow) {
  const { upstream } = serveHere(row, { config, changes: changeParts({ config, ...installation }) });
  return {
    provider: row.provider_slug,
    name: row.display_name,
    active: row.is_active === true,
    source: row.api_key_source,
    base_url: 'problem' in upstream ? upstream.problem : shownUrl(upstream.baseUrl),
    is_byok_supported: row.is_byok_supported === true,
  };
}
