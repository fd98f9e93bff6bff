/** How a provider looks to an administrator: its settings, what is stored for it, what serves it; no secrets. */
import { z } from 'zod';
import {
  describeStoredKey,
  explainUnder,
  servingKeyOf,
  type Explained,
  type ExplainParts,
} from '../keys/explain-key.ts';
import type { ListedProvider } from '../keys/list-providers.ts';
import { ageDays } from '../keys/health/key-age.ts';
import { fallbacks } from '../keys/resolve-key.ts';
import { shownUrl, viewUpstream } from '../keys/upstream-address.ts';
import { redactSecrets } from '../providers/redact.ts';
import { providerEntry } from '../providers/registry.ts';
import type { Clock } from '../foundation/clock.ts';

export const storedKeyView = z
  .object({
    mask: z.string().nullable().describe('First and last characters; null where the key cannot be read.'),
    fingerprint: z
      .string()
      .nullable()
      .describe('Keyed hash, the same wherever this installation shows the key.'),
    problem: z.string().nullable().describe('Why the stored key cannot be used.'),
    binding: z
      .enum(['bound', 'unbound', 'parked'])
      .nullable()
      .describe(
        'Whether the key belongs to this provider and this host; a parked one stays out of use until it is entered again.',
      ),
    updated_at: z.iso.datetime().nullable(),
    age_days: z.int().nullable(),
    test_status: z
      .string()
      .nullable()
      .describe('valid, invalid, untested or error: the column api_key_test_status.'),
    last_tested_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'StoredKey' });

export const servesView = z
  .object({
    source: z
      .enum(['database', 'environment'])
      .nullable()
      .describe('Where the key comes from; null: none serves.'),
    fingerprint: z.string().nullable(),
    fallback: z.enum(fallbacks).nullable().describe('Why a hybrid provider is not served by its stored key.'),
    reason: z.string().describe('Why, in a sentence.'),
  })
  .meta({ id: 'Serves' });

export const upstreamView = z
  .object({
    base_url: z.string().nullable().describe('Where requests go; null where the address cannot be used.'),
    from: z.enum(['environment', 'database', 'provider']).nullable(),
    problem: z.string().nullable(),
  })
  .meta({ id: 'Upstream' });

export const providerView = z
  .object({
    slug: z.string(),
    display_name: z.string(),
    is_active: z.boolean().describe('False: for callers the provider does not exist.'),
    source: z.string().describe('environment, database or hybrid; any other value counts as environment.'),
    base_url: z.string().nullable().describe('As it is set here; null: the one that Keyward knows.'),
    upstream: upstreamView.describe('As the instance that answers has it, with its environment.'),
    example_model: z
      .string()
      .nullable()
      .describe('A model for a first request, as callers name it; null where Keyward suggests none.'),
    request_headers: z.record(z.string(), z.string()).nullable(),
    allow_private_network: z.boolean(),
    is_byok_supported: z
      .boolean()
      .describe('Whether users may bring keys of their own, which then come before that of the platform.'),
    stored_key: storedKeyView.nullable(),
    serves: servesView.describe('As the instance that answers would serve it, with its environment.'),
    revision: z.int().describe('The revision in which it changed last, for If-Match.'),
  })
  .meta({ id: 'Provider' });

export type ProviderView = z.output<typeof providerView>;

type ViewParts = ExplainParts & { readonly clock: Clock };

export function viewProvider(row: ListedProvider, parts: ViewParts): ProviderView {
  const explained = explainUnder(row, parts, {});
  return {
    slug: row.provider_slug,
    display_name: row.display_name,
    is_active: row.is_active === true,
    source: row.api_key_source,
    base_url: row.base_url === null ? null : shownUrl(row.base_url),
    upstream: viewUpstream(explained.served.upstream),
    example_model: exampleModelOf(row.provider_slug),
    request_headers: headersIn(row.request_headers),
    allow_private_network: row.allow_private_network,
    is_byok_supported: row.is_byok_supported === true,
    stored_key: viewStoredKey(row, parts),
    serves: viewServes(row, explained),
    revision: row.revision,
  };
}

export function viewStoredKey(row: ListedProvider, parts: ViewParts): z.output<typeof storedKeyView> | null {
  const stored = describeStoredKey(row, parts);
  if (stored === null) return null;
  return {
    ...stored,
    updated_at: timeText(row.api_key_updated_at),
    age_days: wholeDays(row.api_key_updated_at, parts.clock.now()),
    test_status: row.api_key_test_status,
    last_tested_at: timeText(row.api_key_last_tested),
  };
}

/** What serves, or would serve under the assumptions that were explained. */
export function viewServes(
  { is_active: isActive }: Pick<ListedProvider, 'is_active'>,
  explained: Explained,
): z.output<typeof servesView> {
  if (isActive !== true) {
    return { source: null, fingerprint: null, fallback: null, reason: 'the provider is not active' };
  }
  const { fallback, reason } = explained.served.resolution;
  const { source, fingerprint } = servingKeyOf(explained);
  return { source, fingerprint, fallback, reason };
}

function exampleModelOf(slug: string): string | null {
  const { exampleModel } = providerEntry(slug);
  return exampleModel === undefined ? null : `${slug}/${exampleModel}`;
}

/** PostgreSQL knows times that JavaScript does not: infinity. */
function timeText(time: Date | null): string | null {
  return time === null || Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999
    ? null
    : time.toISOString();
}

function wholeDays(from: Date | null, now: Date): number | null {
  if (from === null || Number.isNaN(from.getTime())) return null;
  return ageDays(from, now);
}

/** Other programs may have written anything. */
function headersIn(value: unknown): Record<string, string> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts.map(([name, text]) => [name, redactSecrets(text, [])]));
}
