/** What a stored key is bound to: the provider, and the host that its row leads to; or the management there. */
import type { KeyPlace } from '../crypto/key-binding.ts';
import { providerEntry } from '../providers/registry.ts';
import type { ProviderRow } from './provider-store.ts';
import { ownHost } from './upstream-address.ts';

export function placeOf({
  provider_slug: slug,
  base_url: baseUrl,
}: Pick<ProviderRow, 'provider_slug' | 'base_url'>): KeyPlace {
  return { slug, host: ownHost(baseUrl, providerEntry(slug).baseUrl) };
}

const managementSuffix = ' management';

/** What the credential of a provider's management is bound to: a place that no provider key can have. */
export function managementPlace(slug: string, baseUrl: string | null): KeyPlace {
  return {
    slug: `${slug}${managementSuffix}`,
    host: ownHost(baseUrl, providerEntry(slug).management?.baseUrl),
  };
}

export function isManagementPlace({ slug }: KeyPlace): boolean {
  return slug.endsWith(managementSuffix);
}

/** `groq at api.groq.com:443` */
export function describePlace({ slug, host }: KeyPlace): string {
  return host === '' ? `${slug} without an address` : `${slug} at ${host}`;
}
