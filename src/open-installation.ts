/**
 * Opens an installation for the server or for a command. The embedded engine starts in its thread while
 * the rooms that need it are still being read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { configuredKeyRing } from './crypto/find-key-ring.ts';
import { openEmbedded } from './database/embedded.ts';
import type { Config } from './foundation/config.ts';
import type { Installation, OpenInstallationOptions } from './installation.ts';

/** @throws UsageError with one line that says what to do */
export async function openInstallation(
  config: Config,
  options: OpenInstallationOptions,
): Promise<Installation> {
  const configured = await configuredKeyRing(config);
  const { kind } = config.database;
  const [embedded, { buildInstallation }] = await Promise.all([
    kind === 'embedded' ? openEmbedded(config.database.dataDirectory, options) : undefined,
    // To read it keeps the thread of the engine from being started.
    nextTurn().then(async () => import('./installation.ts')),
  ]);
  return buildInstallation(config, options, { configured, embedded });
}
