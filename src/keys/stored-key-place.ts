/** What a stored key is bound to: the provider, and the host that its row leads to. */
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

/** `groq at api.groq.com:443` */
export function describePlace({ slug, host }: KeyPlace): string {
  return host === '' ? `${slug} without an address` : `${slug} at ${host}`;
}
