/** The bodies by which a provider is made, changed or deleted, and the settings that they name. */
import { z } from 'zod';
import { KeywardError } from '../foundation/errors.ts';
import type { ProviderSettings } from '../keys/provider-settings.ts';
import { baseUrl, displayName, keySource, newSlug, requestHeaders } from '../keys/provider-rules.ts';
import { reason } from './query-values.ts';

const settingFields = {
  source: keySource.optional(),
  is_active: z.boolean().optional(),
  request_headers: requestHeaders
    .nullable()
    .optional()
    .describe('More headers for requests to the provider, in place of those before; no secrets.'),
  allow_private_network: z
    .boolean()
    .optional()
    .describe('Whether the address may lead into a private network.'),
  is_byok_supported: z
    .boolean()
    .optional()
    .describe(
      'Whether users may bring keys of their own; the keys that are there stay, and do not serve without.',
    ),
  reason,
};

export const newProviderBody = z
  .strictObject({
    slug: newSlug.describe('Short name: callers say `slug/model`, and the environment `{SLUG}_API_KEY`.'),
    display_name: displayName,
    base_url: baseUrl
      .nullable()
      .optional()
      .describe(
        'The OpenAI-compatible base URL: https, unless it is loopback or allowed by name. May be left out for a provider that Keyward knows.',
      ),
    ...settingFields,
  })
  .meta({
    examples: [
      {
        slug: 'our-llm',
        display_name: 'Our own models',
        base_url: 'https://llm.example.com/v1',
        source: 'database',
      },
    ],
  });

export const changedProviderBody = z
  .strictObject({
    display_name: displayName.optional(),
    base_url: baseUrl.nullable().optional().describe('Null: the one that Keyward knows.'),
    ...settingFields,
  })
  .meta({ examples: [{ is_active: false, reason: 'the contract has ended' }] });

export const deletedProviderBody = z.strictObject({ reason }).nullable();

type Body = {
  readonly [Name in keyof z.output<typeof newProviderBody>]?:
    | z.output<typeof newProviderBody>[Name]
    | undefined;
};

/**
 * The settings that a body names.
 * @throws KeywardError field_invalid (400) where nothing is named
 */
export function settingsIn(body: Body): ProviderSettings {
  const { slug: _slug, reason: _reason, ...named } = body;
  if (Object.keys(named).length === 0) {
    throw new KeywardError('field_invalid', {
      message: 'The body names nothing to change. Nothing was changed.',
    });
  }
  return {
    displayName: body.display_name,
    baseUrl: body.base_url,
    source: body.source,
    isActive: body.is_active,
    requestHeaders: body.request_headers,
    allowPrivateNetwork: body.allow_private_network,
    isByokSupported: body.is_byok_supported,
  };
}
