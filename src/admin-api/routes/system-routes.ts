/** GET /api/v1/admin/system: how this instance is configured, and in which state its database is; no secrets. */
import { z } from 'zod';
import { assess } from '../../database/migrations/assess.ts';
import { shippedMigrations } from '../../database/migrations/shipped-migrations.ts';
import type { Config } from '../../foundation/config.ts';
import { readProviders, type ProviderRow } from '../../keys/provider-store.ts';
import { shownUrl } from '../../keys/upstream-address.ts';
import { redactSecrets } from '../../providers/redact.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import type { TypedApp } from '../typed-app.ts';

const migration = z.object({
  version: z.string(),
  name: z.string(),
  state: z
    .enum(['applied', 'pending', 'unrecorded', 'partial', 'unfit', 'drift', 'newer'])
    .describe('As `keyward migrate --check` says it.'),
  applied_at: z.iso.datetime().nullable(),
  differences: z.int().describe('How much of the catalogue is not as expected.'),
});

const setting = z.object({
  name: z.string().describe('The environment variable.'),
  section: z.string(),
  description: z.string(),
  is_set: z.boolean(),
  value: z.string().nullable().describe('As it was given; null where it is not set, and for every secret.'),
  default: z.string().describe('What holds where it is not set.'),
});

const system = z.object({ migrations: z.array(migration), settings: z.array(setting) });

export function systemRoutes(app: TypedApp, { database, config }: AdminApiParts): void {
  app.get(
    '/api/v1/admin/system',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getSystem',
        summary: 'The migrations of the database and the configuration of this instance, without secrets',
        tags: ['system'],
        querystring: z.strictObject({}),
        response: { 200: system.describe('How it stands.') },
      },
    },
    async () => ({
      migrations: (await assess(database.kysely, shippedMigrations())).map((report) => ({
        version: report.version,
        name: report.name,
        state: report.state,
        applied_at: report.appliedAt?.toISOString() ?? null,
        differences: report.differences.length,
      })),
      settings: [
        ...config.shown.map(({ name, section, description, isSet, value, defaultText }) => ({
          name,
          section,
          description,
          is_set: isSet,
          // Whoever put a key into the wrong variable must not find it here.
          value: value === null ? null : redactSecrets(value, []),
          default: defaultText,
        })),
        ...settingsOfProviders(config, await readProviders(database.kysely)),
      ],
    }),
  );
}

/** What the environment says of providers that are there; two whose slugs differ in a dash share their variables. */
function settingsOfProviders(
  config: Config,
  providers: readonly Pick<ProviderRow, 'provider_slug' | 'display_name'>[],
): z.output<typeof setting>[] {
  const byName = new Map<string, z.output<typeof setting>>();
  for (const { provider_slug: slug, display_name: provider } of providers) {
    const { apiKeyName, apiKey, baseUrlName, baseUrl } = config.provider(slug);
    const common = { section: 'Providers', is_set: true };
    if (apiKey !== undefined)
      byName.set(apiKeyName, {
        ...common,
        name: apiKeyName,
        description: `The key of ${provider} in the environment, where its source looks for one there.`,
        value: null,
        default: 'none',
      });
    if (baseUrl !== undefined)
      byName.set(baseUrlName, {
        ...common,
        name: baseUrlName,
        description: `Where requests to ${provider} go, whatever is stored.`,
        value: shownUrl(baseUrl),
        default: 'the base URL of the provider',
      });
  }
  return [...byName.values()];
}
