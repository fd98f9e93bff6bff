/** Binding what another program stored: what was looked at is bound, and nothing else. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { bindKey } from '../../src/keys/bind-key.ts';
import { storeKey, type ChangeParts, type Written } from '../../src/keys/change-provider.ts';
import { readProviders, type ProviderRow } from '../../src/keys/provider-store.ts';
import { placeOf } from '../../src/keys/stored-key-place.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const key = new Secret(['planted', 'stored', 'key', '6d0b'].join('-'));

describeOnUsualDatabases('a stored key', (opened) => {
  let client: pg.Client;
  let parts: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    parts = await changePartsOn(opened().database);
  });

  const rowOf = async (slug = 'groq'): Promise<ProviderRow> => {
    const row = (await readProviders(opened().database.kysely)).find((one) => one.provider_slug === slug);
    if (row === undefined) throw new Error(`there is no ${slug}`);
    return row;
  };
  const set = async (slug: string, columns: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const names = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`);
    return client.query(`UPDATE llm_providers SET ${names.join(', ')} WHERE provider_slug = $1`, [
      slug,
      ...Object.values(columns),
    ]);
  };
  const bindAsSeen = async (row: ProviderRow): Promise<Written> =>
    bindKey(parts, occasionOfTests, row.provider_slug, {
      storedToken: row.encrypted_api_key ?? '',
      host: placeOf(row).host,
    });
  const refused = { code: 'revision_mismatch', status: 412 };

  it('without a binding is bound to its provider and host, recorded without the key', async () => {
    await set('groq', { encrypted_api_key: parts.ring.encrypt(key) });
    const row = await rowOf();
    expect(await bindAsSeen(row)).toMatchObject({ found: true });
    const { api_key_binding: binding, ...rest } = await rowOf();
    expect(parts.ring.verifyBinding(binding ?? '', key, placeOf(row))).toBe('good');
    expect({ ...rest, api_key_binding: null }).toEqual(row);
    const { rows } = await client.query<{ event: string }>('SELECT event FROM keyward_audit_events');
    expect(JSON.parse(rows[0]?.event ?? '')).toMatchObject({
      action: 'provider.changed',
      before: { bound_to_host: null, fingerprint: parts.fingerprinter.of(key) },
      after: { bound_to_host: 'api.groq.com:443' },
    });
    expect(rows[0]?.event).not.toContain('stored-key');
  });

  it.each([
    ['its key', async () => set('groq', { encrypted_api_key: parts.ring.encrypt(key) })],
    ['its host', async () => set('groq', { base_url: 'https://elsewhere.example' })],
    ['its binding', async () => set('groq', { api_key_binding: 'x' })],
    ['its presence', async () => set('groq', { encrypted_api_key: null })],
  ])('that changed %s since it was looked at is not bound', async (_what, change) => {
    await set('groq', { encrypted_api_key: parts.ring.encrypt(key) });
    const seen = await rowOf();
    await change();
    const changed = await rowOf();
    await expect(bindAsSeen(seen)).rejects.toMatchObject(refused);
    expect(await rowOf()).toEqual(changed);
  });

  it('that is bound elsewhere, or copied from a bound one, is not bound: it must be entered', async () => {
    await storeKey(parts, occasionOfTests, 'groq', { key, source: 'database' });
    const { encrypted_api_key, api_key_binding } = await rowOf();
    await set('xai', { encrypted_api_key });
    await set('openai', { encrypted_api_key, api_key_binding });
    for (const slug of ['groq', 'xai', 'openai'])
      await expect(bindAsSeen(await rowOf(slug))).rejects.toMatchObject(refused);
  });

  it('that is not there is not bound', async () => {
    const seen = { storedToken: 'x', host: 'x' };
    expect(await bindKey(parts, occasionOfTests, 'nobody', seen)).toMatchObject({ found: false });
  });
});
