/** The providers that the migrations seed are those that the program knows, under the same names and addresses. */
import { expect, test } from 'vitest';
import { knownProviders } from '../../src/providers/registry.ts';
import { describeOnUsualEngines } from '../support/engines.ts';
import { migration } from './catalogue.ts';

describeOnUsualEngines('the seeded providers', (client) => {
  test('are the known ones, in the same order, with the same names and addresses', async () => {
    await client().exec(migration('001_create_llm_tables'));
    await client().exec(migration('003_add_more_providers'));
    expect(
      await client().query('SELECT provider_slug, display_name, base_url FROM llm_providers ORDER BY id'),
    ).toEqual(
      knownProviders.map(({ slug, displayName, baseUrl }) => ({
        provider_slug: slug,
        display_name: displayName,
        base_url: baseUrl,
      })),
    );
  });
});
