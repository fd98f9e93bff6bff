/** Where the secrets are found that no text may hold which comes in over the admin API. */
import type { SecretsParts } from '../alerts/known-secrets.ts';
import { readStoredKeys } from '../keys/read-stored-keys.ts';
import type { AdminApiParts } from './admin-api-parts.ts';

export function knownSecretsOf({ database, changes, config }: AdminApiParts): SecretsParts {
  return { db: database.kysely, ring: changes.ring, config, readStoredKeys };
}
