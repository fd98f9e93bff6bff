/** The provider that an address names, or the answer that there is none. */
import { KeywardError } from '../foundation/errors.ts';
import { findProvider, type ListedProvider } from '../keys/list-providers.ts';
import type { AdminApiParts } from './admin-api-parts.ts';
import { shownName } from './shown-name.ts';

/** @throws KeywardError provider_not_found (404) */
export async function requireProvider({ database }: AdminApiParts, slug: string): Promise<ListedProvider> {
  const row = await findProvider(database.kysely, slug);
  if (row === undefined) throw noProvider(slug);
  return row;
}

/** For a provider that was there a moment ago, too. */
export function noProvider(slug: string): KeywardError {
  const name = shownName(slug);
  return new KeywardError('provider_not_found', {
    message: `There is no provider${name === null ? ' of that slug' : ` "${name}"`}. GET /api/v1/admin/providers lists them.`,
    param: 'slug',
  });
}
