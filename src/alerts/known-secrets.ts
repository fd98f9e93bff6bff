/**
 * The secrets that this installation holds and that may not stand in a text which is kept and shown: those of the
 * channels, its own tokens, the encryption keys, the stored keys of providers.
 */
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Config } from '../foundation/config.ts';
import type { Secret } from '../foundation/secret.ts';
import { secretsIn } from './channel-secrets.ts';
import { openSettings, readChannels, type AlertChannel } from './channel-store.ts';

export interface SecretsParts {
  readonly db: Kysely<Tables>;
  readonly ring: KeyRing;
  readonly config: Pick<Config, 'adminToken' | 'gatewayToken' | 'signOn' | 'audit'>;
  /** Of the room that owns them: the stored keys of providers. */
  readonly readStoredKeys: (db: Kysely<Tables>, ring: KeyRing) => Promise<readonly Secret[]>;
}

/** All of them. What cannot be read with this ring hides nothing. */
export async function readKnownSecrets({
  db,
  ring,
  config,
  readStoredKeys,
}: SecretsParts): Promise<readonly Secret[]> {
  const channels = await readChannels(db);
  return [
    ...channels.flatMap((channel) => secretsOf(channel, ring)),
    ...(await readStoredKeys(db, ring)),
    ...ownSecrets({ ring, config }),
  ];
}

/** Those that are there without a look at the database. */
export function ownSecrets({ ring, config }: Pick<SecretsParts, 'ring' | 'config'>): readonly Secret[] {
  const { adminToken, gatewayToken, signOn, audit } = config;
  const signing = audit.anchor.kind === 'webhook' ? audit.anchor.secret : undefined;
  const configured = [adminToken, gatewayToken, signOn?.clientSecret, signing];
  return [...ring.asSecrets(), ...configured.filter((secret) => secret !== undefined)];
}

function secretsOf(channel: AlertChannel, ring: KeyRing): readonly Secret[] {
  try {
    return secretsIn(openSettings(channel, ring));
  } catch {
    return [];
  }
}
