/** How the key of a provider stands: what is stored, what was last known of it, and what each instance serves. */
import { z } from 'zod';
import { explainUnder, servingKeyOf } from '../keys/explain-key.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { lastKeyTest } from '../keys/key-test-history.ts';
import type { ListedProvider } from '../keys/list-providers.ts';
import type { AdminApiParts } from './admin-api-parts.ts';
import { servesView, storedKeyView, viewServes, viewStoredKey } from './provider-view.ts';

const lastTest = z
  .object({
    verdict: z.string(),
    message: z.string(),
    advice: z.string(),
    tested_at: z.iso.datetime(),
    asked_by: z.string(),
  })
  .meta({ id: 'LastTest' });

const instanceStatus = z.object({
  id: z.uuid(),
  host: z.string(),
  pid: z.int(),
  revision: z.int().describe('The revision that it serves from.'),
  up_to_date: z.boolean().describe('It serves the last change of this provider.'),
  serves: servesView.nullable().describe('Null: the provider is not active there.'),
});

export const keyStatusView = z
  .object({
    provider: z.string(),
    is_active: z.boolean(),
    source: z.string(),
    stored_key: storedKeyView.nullable(),
    would_serve: servesView
      .extend({ mask: z.string().nullable() })
      .describe('By the environment of the instance that answers.'),
    mask: z.string().nullable().describe('Of the stored key.'),
    age_days: z.int().nullable().describe('Of the stored key.'),
    last_tested_at: z.iso.datetime().nullable().describe('Of the key that would serve.'),
    verdict: z
      .string()
      .nullable()
      .describe('The last one on the key that would serve; null: it was never tested.'),
    last_test: lastTest.nullable(),
    revision: z.int().describe('The revision in which the provider changed last.'),
    instances: z.array(instanceStatus),
  })
  .describe('How the key stands.');

export async function readKeyStatus(
  parts: AdminApiParts,
  row: ListedProvider,
): Promise<z.output<typeof keyStatusView>> {
  const { kysely } = parts.database;
  const slug = row.provider_slug;
  const explained = explainUnder(row, parts, {});
  const { mask, fingerprint } = servingKeyOf(explained);
  const test = fingerprint === null ? undefined : await lastKeyTest(kysely, slug, fingerprint);
  const stored = viewStoredKey(row, parts);
  const instances = await listLiveInstances(kysely);
  return {
    provider: slug,
    is_active: row.is_active === true,
    source: row.api_key_source,
    stored_key: stored,
    would_serve: { ...viewServes(row, explained), mask: row.is_active === true ? mask : null },
    mask: stored?.mask ?? null,
    age_days: stored?.age_days ?? null,
    last_tested_at: test?.tested_at.toISOString() ?? null,
    verdict: test?.verdict ?? null,
    last_test:
      test === undefined
        ? null
        : {
            verdict: test.verdict,
            message: test.message,
            advice: test.advice,
            tested_at: test.tested_at.toISOString(),
            asked_by: test.asked_by,
          },
    revision: row.revision,
    instances: instances.map(({ id, host, pid, revision, serves }) => ({
      id,
      host,
      pid,
      revision,
      up_to_date: revision >= row.revision,
      serves: serves[slug] ?? null,
    })),
  };
}
