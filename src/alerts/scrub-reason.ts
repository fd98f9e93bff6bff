/**
 * Takes the secrets of the channels that are stored out of what somebody gives as a reason: it is kept for good and
 * shown to everybody who looks, whatever command or request it came with.
 */
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Secret } from '../foundation/secret.ts';
import { redactSecrets } from '../providers/redact.ts';
import { secretsIn } from './channel-secrets.ts';
import { openSettings, readChannels, type AlertChannel } from './channel-store.ts';

/** The reason without them. A channel whose settings cannot be read with this ring hides nothing. */
export async function scrubReason(
  { db, ring }: { readonly db: Kysely<Tables>; readonly ring: KeyRing },
  reason: string,
): Promise<string> {
  const channels = await readChannels(db);
  return redactSecrets(
    reason,
    channels.flatMap((channel) => secretsOf(channel, ring)),
  );
}

function secretsOf(channel: AlertChannel, ring: KeyRing): readonly Secret[] {
  try {
    return secretsIn(openSettings(channel, ring));
  } catch {
    return [];
  }
}
