/** Changing, creating and deleting providers: checked before, recorded along with it, and no key goes along to another host. */
import type pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { readRevision } from '../../src/database/revision.ts';
import { Secret } from '../../src/foundation/secret.ts';
import {
  changeProvider,
  createProvider,
  deleteProvider,
  type NewProvider,
  type ProviderChanged,
} from '../../src/keys/change-provider-settings.ts';
import { storeKey, type ChangeParts } from '../../src/keys/change-provider.ts';
import { readProviders, type ProviderRow } from '../../src/keys/provider-store.ts';
import { judgeStoredKey, parkedForGood } from '../../src/keys/stored-key.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases, openOn } from '../support/keyward-database.ts';
import { whileRowIsHeld } from '../support/row-lock.ts';

const key = new Secret(['planted', 'stored', 'key', '2f9d'].join('-'));
const ring = KeyRing.parse(generateEncryptionKey());
const elsewhere = 'https://elsewhere.example/v1';
const own = 'https://api.groq.com/openai/v1';

const inHouse: NewProvider = {
  slug: 'in-house',
  name: 'In-house',
  displayName: 'In-house models',
  baseUrl: 'https://llm.example/v1',
};

describeOnUsualDatabases('a provider', (opened) => {
  let client: pg.Client;
  let parts: ChangeParts;

  /** On the ring of the test, with other settings. */
  async function partsWith(environment: Readonly<Record<string, string>>): Promise<ChangeParts> {
    return changePartsOn(opened().database, ring, environment);
  }

  beforeEach(async () => {
    client = await opened().connect();
    parts = await partsWith({});
  });

  const change = async (
    fields: Parameters<typeof changeProvider>[3],
    slug = 'groq',
  ): Promise<ProviderChanged> => changeProvider(parts, occasionOfTests, slug, fields);
  const rows = async (): Promise<ProviderRow[]> => readProviders(opened().database.kysely);
  const rowOf = async (slug = 'groq'): Promise<ProviderRow> => {
    const row = (await rows()).find(({ provider_slug }) => provider_slug === slug);
    if (row === undefined) throw new Error(`there is no ${slug}`);
    return row;
  };
  const revision = async (): Promise<number> => readRevision(opened().database.kysely);
  const bindingOf = async (slug = 'groq'): Promise<unknown> => {
    await parts.bindings.refresh(opened().database.kysely, await rows(), parts.ring);
    return judgeStoredKey(await rowOf(slug), { ...parts, keyRing: ring })?.binding;
  };
  const lastEvent = async (): Promise<Record<string, unknown>> => {
    const { rows: events } = await client.query<{ event: string }>(
      'SELECT event FROM keyward_audit_events ORDER BY sequence DESC LIMIT 1',
    );
    return JSON.parse(events[0]?.event ?? '{}') as Record<string, unknown>;
  };
  const countEvents = async (): Promise<number> =>
    (await client.query('SELECT FROM keyward_audit_events')).rowCount ?? 0;
  /** As another program stores a key: with no binding. */
  const storeBySql = async (slug = 'groq', token = parts.ring.encrypt(key)): Promise<unknown> =>
    client.query(
      "UPDATE llm_providers SET encrypted_api_key = $2, api_key_source = 'database' WHERE provider_slug = $1",
      [slug, token],
    );

  describe('that is changed', () => {
    it('has the new values and keeps the others, and the event says both', async () => {
      const before = await revision();
      const xai = await rowOf('xai');
      expect(
        await change({
          displayName: ' Groq, Inc. ',
          baseUrl: ` ${elsewhere} `,
          source: 'hybrid',
          isActive: false,
          requestHeaders: { 'X-Title': 'App' },
          allowPrivateNetwork: true,
          isByokSupported: false,
        }),
      ).toEqual({ found: true, parked: false, revision: before + 1 });
      expect(await rowOf()).toMatchObject({
        display_name: 'Groq, Inc.',
        base_url: elsewhere,
        api_key_source: 'hybrid',
        is_active: false,
        request_headers: { 'x-title': 'App' },
        allow_private_network: true,
        is_byok_supported: false,
      });
      expect(await lastEvent()).toMatchObject({
        action: 'provider.changed',
        target: { kind: 'provider', id: 'groq' },
        before: {
          display_name: 'Groq',
          base_url: own,
          source: 'environment',
          is_active: true,
          request_headers: null,
          allow_private_network: false,
          is_byok_supported: true,
        },
        after: {
          display_name: 'Groq, Inc.',
          base_url: elsewhere,
          source: 'hybrid',
          is_active: false,
          is_byok_supported: false,
        },
      });
      expect(await rowOf('xai')).toEqual(xai);
    });

    it('in nothing is not written and not recorded', async () => {
      const before = await revision();
      const events = await countEvents();
      for (const fields of [{}, { displayName: 'Groq' }, { baseUrl: own, isActive: true }])
        expect(await change(fields)).toEqual({ found: true, parked: false, revision: before });
      expect(await countEvents()).toBe(events);
    });

    it('in one field has only that field in its event', async () => {
      await change({ isActive: false });
      expect(await lastEvent()).toMatchObject({ before: { is_active: true }, after: { is_active: false } });
      expect(Object.keys((await lastEvent())['after'] as object)).toEqual(['is_active']);
    });

    it('loses its headers and its address when these are taken away', async () => {
      await change({ requestHeaders: { 'x-title': 'App' } });
      await change({ requestHeaders: null, baseUrl: null });
      expect(await rowOf()).toMatchObject({ request_headers: null, base_url: null });
    });

    it('is not there: nothing is changed, and it is said', async () => {
      expect(await change({ isActive: false }, 'nobody')).toMatchObject({ found: false, parked: false });
      expect(await countEvents()).toBe(0);
    });

    it.each([
      [{ displayName: ' ' }, 'display_name'],
      [{ baseUrl: 'https://10.0.0.1/v1' }, 'base_url'],
      [{ requestHeaders: { authorization: 'x' } }, 'request_headers'],
    ])('to %j is refused with a sentence and the name of the field', async (fields, param) => {
      const before = await rowOf();
      await expect(change(fields)).rejects.toMatchObject({
        code: 'field_invalid',
        status: 400,
        param,
        message: expect.stringMatching(/Nothing was changed\.$/) as string,
      });
      expect(await rowOf()).toEqual(before);
      expect(await countEvents()).toBe(0);
    });

    it('may lead into a private network and to plain http only where that is allowed', async () => {
      const url = 'http://10.0.0.1:8000/v1';
      parts = await partsWith({ UPSTREAM_ALLOW_HTTP: '10.0.0.1' });
      await expect(change({ baseUrl: url })).rejects.toThrow(/private network/);
      await change({ baseUrl: url, allowPrivateNetwork: true });
      await expect(change({ allowPrivateNetwork: false })).rejects.toThrow(/private network/);
      expect(await rowOf()).toMatchObject({ base_url: url, allow_private_network: true });
    });

    it('after SQL has left an unusable address can still be changed elsewhere', async () => {
      await client.query(
        `UPDATE llm_providers SET base_url = 'https://user:secret-2f9d@host.example/?key=secret-2f9d',
           request_headers = '{"authorization": "secret-2f9d"}' WHERE provider_slug = 'groq'`,
      );
      expect(await change({ isActive: false })).toMatchObject({ found: true });
      await change({ baseUrl: elsewhere, requestHeaders: null });
      expect(await lastEvent()).toMatchObject({
        before: { base_url: 'https://host.example/', request_headers: 'unusable' },
      });
      expect(JSON.stringify(await lastEvent())).not.toContain('2f9d');
    });

    it('since the revision in If-Match is left as it is', async () => {
      const ifRevision = await revision();
      await change({ isActive: false });
      await expect(change({ isActive: true, ifRevision })).rejects.toMatchObject({ status: 412 });
      expect(await rowOf()).toMatchObject({ is_active: false });
    });

    it('stays as it was when the event cannot be written', async () => {
      await storeBySql();
      const before = await rowOf();
      await client.query('ALTER TABLE keyward_audit_events ADD CONSTRAINT planted CHECK (sequence < 1)');
      await expect(change({ baseUrl: elsewhere })).rejects.toMatchObject({ code: 'audit_unavailable' });
      expect(await rowOf()).toEqual(before);
    });
  });

  describe('that is led to another host', () => {
    it('leaves a bound key behind, parked, and has it back with the old host', async () => {
      await storeKey(parts, occasionOfTests, 'groq', { key, source: 'database' });
      expect(await change({ baseUrl: elsewhere })).toMatchObject({ parked: true });
      expect(await lastEvent()).toMatchObject({ after: { base_url: elsewhere, stored_key: 'parked' } });
      expect(await bindingOf()).toBe('parked');
      expect(await change({ displayName: 'G' })).toMatchObject({ parked: true });
      expect(await change({ baseUrl: own })).toMatchObject({ parked: false });
      expect(await bindingOf()).toBe('bound');
    });

    it('binds a key that had no binding to the old host first', async () => {
      await storeBySql();
      expect(await bindingOf()).toBe('unbound');
      expect(await change({ baseUrl: elsewhere })).toMatchObject({ parked: true });
      expect(await bindingOf()).toBe('parked');
      expect(await change({ baseUrl: `${own}/other-path` })).toMatchObject({ parked: false });
      expect(await bindingOf()).toBe('bound');
    });

    it('remembers the old host even when the binding is wiped out', async () => {
      await storeBySql();
      await change({ baseUrl: elsewhere });
      await client.query("UPDATE llm_providers SET api_key_binding = NULL WHERE provider_slug = 'groq'");
      expect(await bindingOf()).toBe('parked');
      expect(await change({ displayName: 'G' })).toMatchObject({ parked: true });
    });

    it('keeps a key on the same host whatever else changes', async () => {
      await storeBySql();
      expect(await change({ baseUrl: 'https://API.GROQ.com/v2', displayName: 'G' })).toMatchObject({
        parked: false,
      });
      expect(await bindingOf()).toBe('unbound');
    });

    it('has the key again once it is entered there', async () => {
      await storeKey(parts, occasionOfTests, 'groq', { key, source: 'database' });
      await change({ baseUrl: elsewhere });
      await storeKey(parts, occasionOfTests, 'groq', { key, source: 'database' });
      expect(await bindingOf()).toBe('bound');
      expect(await change({ baseUrl: own })).toMatchObject({ parked: true });
    });

    it('does not make a copied key good: it is parked for good', async () => {
      await storeKey(parts, occasionOfTests, 'groq', { key, source: 'database' });
      await storeBySql('xai', (await rowOf()).encrypted_api_key ?? '');
      expect(await bindingOf('xai')).toBe('parked');
      expect(await change({ baseUrl: elsewhere }, 'xai')).toMatchObject({ parked: true });
      await change({ baseUrl: 'https://api.x.ai/v1' }, 'xai');
      expect((await rowOf('xai')).api_key_binding).toBe(parkedForGood);
      expect(await bindingOf('xai')).toBe('parked');
    });

    it('nor one for which a binding is asked', async () => {
      parts = await partsWith({ KEY_BINDING: 'require' });
      await storeBySql();
      expect(await change({ baseUrl: elsewhere })).toMatchObject({ parked: true });
      await change({ baseUrl: own });
      expect(await bindingOf()).toBe('parked');
    });

    it('nor one that cannot be read now and may be readable again', async () => {
      await storeBySql('groq', 'rubbish');
      await change({ baseUrl: elsewhere });
      expect((await rowOf()).api_key_binding).toBe(parkedForGood);
    });

    it('without a key parks nothing', async () => {
      expect(await change({ baseUrl: elsewhere })).toMatchObject({ parked: false });
      expect((await rowOf()).api_key_binding).toBeNull();
    });
  });

  describe('that is created', () => {
    it('is there with what was said of it, and the event says the same', async () => {
      const before = await revision();
      expect(
        await createProvider(parts, occasionOfTests, { ...inHouse, requestHeaders: { 'X-Title': 'App' } }),
      ).toEqual({ revision: before + 1 });
      expect(await rowOf('in-house')).toMatchObject({
        display_name: 'In-house models',
        base_url: 'https://llm.example/v1',
        is_active: true,
        api_key_source: 'environment',
        encrypted_api_key: null,
        api_key_binding: null,
        allow_private_network: false,
        request_headers: { 'x-title': 'App' },
      });
      expect(await lastEvent()).toMatchObject({
        action: 'provider.created',
        target: { kind: 'provider', id: 'in-house' },
        before: null,
        after: { name: 'In-house', base_url: 'https://llm.example/v1', source: 'environment' },
      });
      const { rows: defaults } = await client.query(
        `SELECT is_system_provider, is_byok_supported, auth_type, health_status, min_tier_required
           FROM llm_providers WHERE provider_slug = 'in-house'`,
      );
      expect(defaults).toEqual([
        {
          is_system_provider: false,
          is_byok_supported: true,
          auth_type: 'api_key',
          health_status: 'unknown',
          min_tier_required: 'free',
        },
      ]);
    });

    it('takes a key that is bound to its host', async () => {
      await createProvider(parts, occasionOfTests, { ...inHouse, source: 'database', isActive: false });
      await storeKey(parts, occasionOfTests, 'in-house', { key, source: 'database' });
      expect(await bindingOf('in-house')).toBe('bound');
      expect(await change({ baseUrl: elsewhere }, 'in-house')).toMatchObject({ parked: true });
    });

    it.each([
      ['the slug', { slug: 'groq' }],
      ['the name', { name: 'Groq' }],
    ])('twice, by %s, is refused', async (_what, over) => {
      const refused = createProvider(parts, occasionOfTests, { ...inHouse, ...over });
      await expect(refused).rejects.toMatchObject({ code: 'provider_exists', status: 409 });
      expect(await rows()).toHaveLength(12);
      expect(await countEvents()).toBe(0);
    });

    it.each([
      [{ slug: 'In-house' }, 'slug'],
      [{ name: ' ' }, 'name'],
      [{ displayName: '' }, 'display_name'],
      [{ baseUrl: '' }, 'base_url'],
    ])('with %j is refused', async (over, param) => {
      const refused = createProvider(parts, occasionOfTests, { ...inHouse, ...over });
      await expect(refused).rejects.toMatchObject({ code: 'field_invalid', param });
      expect(await rows()).toHaveLength(12);
    });
  });

  describe('that is deleted', () => {
    const addModel = async (slug: string): Promise<unknown> =>
      client.query(
        `INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
         SELECT id, 'm', 'm', 'm' FROM llm_providers WHERE provider_slug = $1`,
        [slug],
      );
    const addUserKey = async (slug: string): Promise<unknown> =>
      client.query(
        `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
         SELECT 'u', id, 'x' FROM llm_providers WHERE provider_slug = $1`,
        [slug],
      );
    const remove = async (options: Parameters<typeof deleteProvider>[3] = {}) =>
      deleteProvider(parts, occasionOfTests, 'groq', options);

    it('is gone, and the event recognises it and its key', async () => {
      await storeKey(parts, occasionOfTests, 'groq', { key, source: 'database' });
      const before = await revision();
      expect(await remove({ force: true })).toEqual({ found: true, revision: before + 1 });
      expect(await rows()).toHaveLength(11);
      expect(await lastEvent()).toMatchObject({
        action: 'provider.deleted',
        before: {
          name: 'Groq',
          base_url: own,
          fingerprint: parts.fingerprinter.of(key),
          hanging_on_it: ['a stored key'],
        },
        after: null,
      });
    });

    it('with nothing on it needs no force', async () => {
      expect(await remove()).toMatchObject({ found: true });
    });

    it.each([
      ['models', addModel, /still has 1 models\./],
      ['keys of users', addUserKey, /still has 1 keys that users brought\./],
      ['a stored key', async () => storeBySql(), /still has a stored key\./],
    ])('while it has %s is refused, unless it is forced', async (_what, add, said) => {
      await add('groq');
      await expect(remove()).rejects.toMatchObject({
        code: 'provider_in_use',
        status: 409,
        message: expect.stringMatching(said) as string,
      });
      expect(await rows()).toHaveLength(12);
      await addModel('xai');
      await addUserKey('xai');
      expect(await remove({ force: true })).toMatchObject({ found: true });
      const { rows: left } = await client.query(
        'SELECT (SELECT count(*) FROM llm_models)::int + (SELECT count(*) FROM user_api_keys)::int AS count',
      );
      expect(left).toEqual([{ count: 2 }]);
    });

    it('while others refer to its models is refused even so, and says what they are', async () => {
      await addModel('groq');
      await addModel('xai');
      await client.query(`
        INSERT INTO llm_routing_rules (model_id, power_level, user_tier)
          SELECT id, 'p', 't' FROM llm_models WHERE provider_id = (SELECT id FROM llm_providers WHERE provider_slug = 'groq');
        UPDATE llm_models SET replacement_model_id = (SELECT model_id FROM llm_routing_rules)
          WHERE provider_id = (SELECT id FROM llm_providers WHERE provider_slug = 'xai')`);
      await expect(remove({ force: true })).rejects.toMatchObject({
        code: 'provider_in_use',
        message: expect.stringMatching(/1 routing rules of its models, 1 models of others/) as string,
      });
      expect(await rows()).toHaveLength(12);
    });

    it('since the revision in If-Match stays', async () => {
      const ifRevision = await revision();
      await change({ isActive: false });
      await expect(remove({ ifRevision })).rejects.toMatchObject({ status: 412 });
      expect(await rows()).toHaveLength(12);
    });

    it('was not there: nothing happens, and it is said', async () => {
      expect(await deleteProvider(parts, occasionOfTests, 'nobody')).toMatchObject({ found: false });
    });
  });
});

it('of two who create the same provider at once one is told that it exists', async () => {
  const opened = await openOn('postgres');
  await opened.empty();
  const parts = await changePartsOn(opened.database);
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 4].map(async () => createProvider(parts, occasionOfTests, inHouse)),
  );
  const refusals = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
  );
  expect(refusals).toEqual(['provider_exists', 'provider_exists', 'provider_exists']);
  await opened.close();
});

it('of two who change the same provider at once, from the same revision, one is refused', async () => {
  const opened = await openOn('postgres');
  await opened.empty();
  const parts = await changePartsOn(opened.database);
  const { revision: ifRevision } = await createProvider(parts, occasionOfTests, inHouse);
  const outcomes = await whileRowIsHeld(
    await opened.connect(),
    "SELECT FROM llm_providers WHERE provider_slug = 'in-house' FOR UPDATE",
    ['One', 'Two'].map(
      (displayName) => async () =>
        changeProvider(parts, occasionOfTests, 'in-house', { displayName, ifRevision }),
    ),
  );
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'revision_mismatch' },
  });
  await opened.close();
});

it('of two changes at once the record says what each of them found', async () => {
  const opened = await openOn('postgres');
  await opened.empty();
  const parts = await changePartsOn(opened.database);
  await createProvider(parts, occasionOfTests, inHouse);
  await whileRowIsHeld(
    await opened.connect(),
    "SELECT FROM llm_providers WHERE provider_slug = 'in-house' FOR UPDATE",
    ['One', 'Two'].map(
      (displayName) => async () => changeProvider(parts, occasionOfTests, 'in-house', { displayName }),
    ),
  );
  const rows = await opened.database.kysely
    .selectFrom('keyward_audit_events')
    .select('event')
    .where('action', '=', 'provider.changed')
    .orderBy('sequence')
    .execute();
  const [first, second] = rows.map(
    ({ event }) => JSON.parse(event) as Record<'before' | 'after', { display_name: string }>,
  );
  expect(first?.before.display_name).toBe(inHouse.displayName);
  expect(second?.before.display_name).toBe(first?.after.display_name);
  await opened.close();
});
