/** `keyward keys source`: says where the key of a provider is found from now on. */
import { setSource } from '../keys/change-provider.ts';
import { print, printJson, remark } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

export async function changeSource(
  slug: string,
  source: string,
  options: { reason?: string; json?: true },
): Promise<void> {
  await withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    const { revision } = await setSource(
      changeParts(installation),
      await reasonedOccasion(installation, options.reason),
      slug,
      {
        source,
      },
    );
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ provider: slug, source, was: row.api_key_source, revision, applied });
      return;
    }
    if (source === row.api_key_source) print(`The source of ${slug} is ${source}, as it was.`);
    else print(`The source of ${slug} is now ${source}; it was ${row.api_key_source}.`);
    if (source === 'database' && row.encrypted_api_key === null) {
      remark(`No key is stored for ${slug}, so nobody is served. Store one with: keyward keys set ${slug}`);
    }
    print(applied);
  });
}
