/** What a key was bound to is known after its binding is gone, after a restart, and for no other key. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { absorbForeignChanges } from '../../src/audit/foreign-changes.ts';
import { retainEvents } from '../../src/audit/retain-events.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { storeKey, type ChangeParts } from '../../src/keys/change-provider.ts';
import { KnownBindings } from '../../src/keys/known-bindings.ts';
import { readProviders } from '../../src/keys/provider-store.ts';
import { judgeStoredKey } from '../../src/keys/stored-key.ts';
import { changePartsOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const ring = KeyRing.parse(generateEncryptionKey());
const key = new Secret(['planted', 'stored', 'key', '9c3a'].join('-'));
const otherKey = new Secret(['planted', 'other', 'key', '9c3a'].join('-'));
const groq = { slug: 'groq', host: 'api.groq.com:443' };
const xai = { slug: 'xai', host: 'api.x.ai:443' };

describeOnUsualDatabases('the places of a key', (opened) => {
  let client: pg.Client;
  let parts: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    parts = await changePartsOn(opened().database, ring);
  });

  const store = async (slug: string, stored = key): Promise<unknown> =>
    storeKey(parts, occasionOfTests, slug, { key: stored, source: 'database' });
  const refresh = async (bindings: KnownBindings): Promise<KnownBindings> => {
    const { kysely } = opened().database;
    await bindings.refresh(kysely, await readProviders(kysely), ring);
    return bindings;
  };
  /** As they are known to a process that has just started, or to one that knew `bindings` before. */
  const places = async (of = key, bindings = new KnownBindings(), keyRing = ring): Promise<unknown[]> => [
    ...(await refresh(bindings)).placesOf(parts.fingerprinter.seal(of), keyRing).values(),
  ];
  const wipe = async (): Promise<unknown> => client.query('UPDATE llm_providers SET api_key_binding = NULL');

  it('are none before it was bound', async () => {
    await client.query("UPDATE llm_providers SET encrypted_api_key = 'x'");
    expect(await places()).toEqual([]);
  });

  it('are those of the rows that it stands in, and of no other key', async () => {
    await store('groq');
    await store('xai');
    await store('openai', otherKey);
    expect(await places()).toEqual([groq, xai]);
    expect(await places(new Secret('another'))).toEqual([]);
  });

  it('are known after the binding was wiped out, copied over, or deleted with its row', async () => {
    await store('groq');
    await wipe();
    expect(await places()).toEqual([groq]);
    await client.query(`
      UPDATE llm_providers SET encrypted_api_key =
        (SELECT encrypted_api_key FROM llm_providers WHERE provider_slug = 'groq') WHERE provider_slug = 'xai';
      DELETE FROM llm_providers WHERE provider_slug = 'groq'`);
    expect(await places()).toEqual([groq]);
  });

  it('are known after a retention removed the events that told of them, and after another', async () => {
    await store('groq');
    await store('xai', otherKey);
    await wipe();
    const retain = async (): Promise<unknown> =>
      retainEvents({ audit: parts.audit, occasion: occasionOfTests }, new Date(Date.now() + 60_000));
    await retain();
    expect(await places()).toEqual([groq]);
    // Newer than what the retention hands on, though its event came before it.
    await client.query(
      "UPDATE llm_providers SET base_url = 'https://second.example' WHERE provider_slug = 'xai'",
    );
    await store('xai', otherKey);
    await wipe();
    await retain();
    expect(await places()).toEqual([groq]);
    expect(await places(otherKey)).toEqual([{ slug: 'xai', host: 'second.example:443' }]);
  });

  it('are the last one of each provider', async () => {
    await store('groq');
    await client.query(
      "UPDATE llm_providers SET base_url = 'https://second.example' WHERE provider_slug = 'groq'",
    );
    await store('groq');
    await wipe();
    expect(await places()).toEqual([{ slug: 'groq', host: 'second.example:443' }]);
  });

  it('are learnt as they come by a process that goes on', async () => {
    const bindings = new KnownBindings();
    await store('groq');
    await wipe();
    expect(await places(key, bindings)).toEqual([groq]);
    await store('xai');
    await wipe();
    expect(await places(key, bindings)).toEqual([groq, xai]);
    expect(await places(key, bindings)).toEqual([groq, xai]);
  });

  it('are right when two read at once', async () => {
    const bindings = new KnownBindings();
    await store('groq');
    await client.query(
      "UPDATE llm_providers SET base_url = 'https://second.example' WHERE provider_slug = 'groq'",
    );
    await store('groq');
    await wipe();
    await Promise.all([refresh(bindings), refresh(bindings), refresh(bindings)]);
    expect(await places(key, bindings)).toEqual([{ slug: 'groq', host: 'second.example:443' }]);
  });

  it('are not those of a database that was put in the place of this one', async () => {
    const bindings = new KnownBindings();
    for (const slug of ['openai', 'xai', 'groq']) await store(slug);
    await wipe();
    expect(await places(key, bindings)).toHaveLength(3);
    await opened().empty();
    client = await opened().connect();
    parts = await changePartsOn(opened().database, ring);
    await store('xai');
    await wipe();
    expect(await places(key, bindings)).toEqual([xai]);
  });

  it('cannot be forged: an event without the right MAC counts for nothing', async () => {
    await store('groq', otherKey);
    await wipe();
    await client.query(
      `INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
       SELECT sequence + n, jsonb_set(jsonb_set(event::jsonb, '{target,id}', '"xai"'), '{after,binding}', binding)::text, hash, hash
         FROM keyward_audit_events, (VALUES (1, '"v1.00000000.00"'::jsonb), (2, '"x"'), (3, '7'), (4, 'null')) AS planted (n, binding)`,
    );
    expect(await places()).toEqual([]);
    expect(await places(otherKey)).toEqual([groq]);
  });

  it('are told by the ring under which they were bound only', async () => {
    await store('groq');
    await wipe();
    const bindings = new KnownBindings();
    expect(await places(key, bindings, KeyRing.parse(generateEncryptionKey()))).toEqual([]);
    expect(await places(key, bindings)).toEqual([groq]);
  });
});

describeOnUsualDatabases('a bound key that was moved by SQL is parked, and says', (opened) => {
  let client: pg.Client;
  let parts: ChangeParts;
  beforeEach(async () => {
    client = await opened().connect();
    parts = await changePartsOn(opened().database, ring);
  });

  const lead = async (host: string): Promise<unknown> =>
    client.query(`UPDATE llm_providers SET base_url = 'https://${host}' WHERE provider_slug = 'groq'`);
  const store = async (stored: Secret): Promise<unknown> =>
    storeKey(parts, occasionOfTests, 'groq', { key: stored, source: 'database' });
  /** As a process says it that has just started. */
  const told = async (slug = 'groq'): Promise<unknown> => {
    const { kysely } = opened().database;
    const rows = await readProviders(kysely);
    const bindings = new KnownBindings();
    await bindings.refresh(kysely, rows, ring);
    const row = rows.find(({ provider_slug }) => provider_slug === slug);
    if (row === undefined) throw new Error(`there is no ${slug}`);
    const judged = judgeStoredKey(row, {
      keyRing: ring,
      fingerprinter: parts.fingerprinter,
      bindings,
      config: { keyBinding: 'warn' },
    });
    expect(judged?.binding).toBe('parked');
    return judged?.candidate;
  };
  const saying = (problem: string): unknown => ({
    parked: true,
    problem: expect.stringContaining(problem) as string,
  });

  it('its old host, which stands in no row any more, from the trail', async () => {
    await lead('first.example');
    await store(key);
    await lead('second.example');
    expect(await told()).toEqual(saying('is bound to groq at first.example:443 and stays parked'));
  });

  it('its old host where only the change of the address is in the trail', async () => {
    await lead('first.example');
    await client.query(
      "UPDATE llm_providers SET encrypted_api_key = $1, api_key_binding = $2 WHERE provider_slug = 'groq'",
      [ring.encrypt(key), ring.bind(key, { slug: 'groq', host: 'first.example:443' })],
    );
    await lead('second.example');
    await absorbForeignChanges({
      db: opened().database.kysely,
      audit: parts.audit,
      clock: systemClock,
      showKey: () => ({ fingerprint: null, mask: null }),
      occasion: occasionOfTests,
    });
    expect(await told()).toEqual(saying('is bound to groq at first.example:443 and stays parked'));
  });

  it('that the binding is another key’s, where the key was replaced and the binding put back', async () => {
    await lead('first.example');
    await store(otherKey);
    const { rows } = await client.query<{ b: string }>(
      "SELECT api_key_binding AS b FROM llm_providers WHERE provider_slug = 'groq'",
    );
    await client.query("UPDATE llm_providers SET encrypted_api_key = $1 WHERE provider_slug = 'groq'", [
      ring.encrypt(key),
    ]);
    await client.query("UPDATE llm_providers SET api_key_binding = $1 WHERE provider_slug = 'groq'", [
      rows[0]?.b,
    ]);
    expect(await told()).toEqual(
      saying('has the binding of another key, one of groq at first.example:443, and'),
    );
  });

  it('what to do where nobody knows its place', async () => {
    await client.query(
      "UPDATE llm_providers SET encrypted_api_key = $1, api_key_binding = $2 WHERE provider_slug = 'groq'",
      [ring.encrypt(key), ring.bind(key, { slug: 'groq', host: 'never.example:443' })],
    );
    expect(await told()).toEqual(
      saying('until it is entered again (keyward keys set groq), or until base_url leads'),
    );
  });
});
