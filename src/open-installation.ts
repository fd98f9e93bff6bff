/**
 * Opens an installation for the server or for a command. The embedded engine starts in its thread while
 * the rooms that need it are still being read.
 */
import { configuredKeyRing } from './crypto/find-key-ring.ts';
import { openEmbedded } from './database/embedded.ts';
import type { Config } from './foundation/config.ts';
import type { Installation, OpenInstallationOptions } from './installation.ts';

/** @throws UsageError with one line that says what to do */
export async function openInstallation(
  config: Config,
  options: OpenInstallationOptions,
): Promise<Installation> {
  const configured = configuredKeyRing(config);
  const { kind } = config.database;
  const [{ buildInstallation }, embedded] = await Promise.all([
    import('./installation.ts'),
    kind === 'embedded' ? openEmbedded(config.database.dataDirectory, options) : undefined,
  ]);
  return buildInstallation(config, options, { configured, embedded });
}
