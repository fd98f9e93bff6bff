/** The snapshot: all that the gateway serves from, of one moment, with bad rows set aside and named. */
import { inspect } from 'node:util';
import type pg from 'pg';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { environmentCaller } from '../../src/auth/authenticate.ts';
import { createToken, revokeToken } from '../../src/auth/token-store.ts';
import { hashToken } from '../../src/auth/token.ts';
import { readRevision } from '../../src/database/revision.ts';
import { Secret } from '../../src/foundation/secret.ts';
import type { ServedProvider, Snapshot } from '../../src/keys/snapshot.ts';
import { placeOf } from '../../src/keys/stored-key-place.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases, openOn } from '../support/keyward-database.ts';
import { snapshotSource } from '../support/snapshot-source.ts';

const storedKey = ['planted', 'stored', 'key', '77aa'].join('-');
const exportedKey = ['planted', 'exported', 'key', '77aa'].join('-');
const gatewayToken = ['planted', 'gateway', 'token', '77aa'].join('-');

const served = (snapshot: Snapshot, slug: string): ServedProvider => {
  const provider = snapshot.providers.get(slug);
  if (provider === undefined) throw new Error(`${slug} is not in the snapshot`);
  return provider;
};

const keyOf = (snapshot: Snapshot, slug: string): string | undefined =>
  served(snapshot, slug).resolution.key?.reveal();

describeOnUsualDatabases('a snapshot', (opened) => {
  let client: pg.Client;
  beforeEach(async () => {
    client = await opened().connect();
  });

  async function store(slug: string, token: string | null, source: string): Promise<void> {
    await client.query(
      'UPDATE llm_providers SET encrypted_api_key = $2, api_key_source = $3 WHERE provider_slug = $1',
      [slug, token, source],
    );
  }

  it('decrypts each stored key once, bound or not, and each time that it is loaded', async () => {
    const source = await snapshotSource(opened());
    await store('groq', source.encrypt(storedKey), 'database');
    await store('xai', source.encrypt(exportedKey), 'database');
    const { rows } = await client.query<{ base_url: string | null }>(
      `SELECT base_url FROM llm_providers WHERE provider_slug = 'xai'`,
    );
    const place = placeOf({ provider_slug: 'xai', base_url: rows[0]?.base_url ?? null });
    await client.query(`UPDATE llm_providers SET api_key_binding = $1 WHERE provider_slug = 'xai'`, [
      source.keyRing.bind(new Secret(exportedKey), place),
    ]);
    const decrypt = vi.spyOn(source.keyRing, 'decrypt');
    const snapshot = await source.load();
    expect(decrypt).toHaveBeenCalledTimes(2);
    expect([keyOf(snapshot, 'groq'), keyOf(snapshot, 'xai')]).toEqual([storedKey, exportedKey]);
    await source.load();
    expect(decrypt).toHaveBeenCalledTimes(4);
  });

  it('holds the active providers, each with its address and its key, and the revision it was read at', async () => {
    const source = await snapshotSource(opened(), {
      XAI_API_KEY: exportedKey,
      XAI_BASE_URL: 'https://x.example/v9',
    });
    await store('groq', source.encrypt(storedKey), 'database');
    await client.query(
      `UPDATE llm_providers SET is_active = CASE provider_slug WHEN 'openai' THEN false WHEN 'cohere' THEN NULL ELSE true END`,
    );
    const snapshot = await source.load();
    expect(snapshot.revision).toBe(await readRevision(opened().database.kysely));
    expect([...snapshot.providers.keys()]).toHaveLength(10);
    expect(snapshot.providers.has('openai') || snapshot.providers.has('cohere')).toBe(false);
    expect(served(snapshot, 'groq')).toMatchObject({
      displayName: 'Groq',
      upstream: { baseUrl: 'https://api.groq.com/openai/v1', from: 'database' },
      resolution: { source: 'database' },
      storedKeyUnreadable: false,
    });
    expect(served(snapshot, 'xai')).toMatchObject({
      upstream: { baseUrl: 'https://x.example/v9', from: 'environment' },
      resolution: { source: 'environment' },
    });
    expect([keyOf(snapshot, 'groq'), keyOf(snapshot, 'xai'), keyOf(snapshot, 'together')]).toEqual([
      storedKey,
      exportedKey,
      undefined,
    ]);
    expect(snapshot.problems).toEqual(new Map());
  });

  it('gives the same key the same fingerprint, wherever it came from', async () => {
    const source = await snapshotSource(opened(), { XAI_API_KEY: storedKey });
    await store('groq', source.encrypt(storedKey), 'database');
    const snapshot = await source.load();
    const fingerprints = ['groq', 'xai'].map((slug) => served(snapshot, slug).resolution.key?.fingerprint);
    expect(fingerprints[0]).toMatch(/^fp_[0-9a-f]{12}$/);
    expect(fingerprints[1]).toBe(fingerprints[0]);
  });

  it('sets a provider with a corrupt token aside, names it, and serves all others', async () => {
    const source = await snapshotSource(opened());
    const good = source.encrypt(storedKey);
    const corrupt = {
      openai: 'rubbish',
      anthropic: good.slice(0, -10),
      google: `${good.slice(0, 40)}${good[40] === 'A' ? 'B' : 'A'}${good.slice(41)}`,
      mistral: (await snapshotSource(opened())).encrypt(storedKey),
      xai: source.encrypt(''),
      cohere: source.encrypt('a key with blanks'),
      perplexity: source.encrypt('ключ'),
    };
    for (const [slug, token] of Object.entries(corrupt)) await store(slug, token, 'database');
    await store('groq', good, 'database');
    const snapshot = await source.load();
    expect(new Set(snapshot.problems.keys())).toEqual(new Set(Object.keys(corrupt)));
    for (const slug of Object.keys(corrupt)) {
      expect(served(snapshot, slug)).toMatchObject({
        resolution: { key: null, source: null },
        storedKeyUnreadable: true,
      });
      expect(snapshot.problems.get(slug)).toMatch(
        /does not decrypt|is no encrypted key|characters that no key has/,
      );
    }
    expect(keyOf(snapshot, 'groq')).toBe(storedKey);
  });

  it('sets a provider whose key is bound elsewhere aside, and remarks on one without a binding', async () => {
    const source = await snapshotSource(opened());
    const bound = source.keyRing.bind(new Secret(storedKey), { slug: 'groq', host: 'api.groq.com:443' });
    await store('groq', source.encrypt(storedKey), 'database');
    await store('openai', source.encrypt(storedKey), 'database');
    await store('xai', source.encrypt(exportedKey), 'database');
    await store('cohere', source.encrypt(exportedKey), 'environment');
    await client.query(
      "UPDATE llm_providers SET api_key_binding = $1 WHERE provider_slug IN ('groq', 'openai')",
      [bound],
    );
    const { problems, remarks, providers } = await source.load();
    expect(['groq', 'openai', 'xai', 'cohere'].map((slug) => providers.get(slug)?.keyBinding)).toEqual([
      'bound',
      'parked',
      'unbound',
      'unbound',
    ]);
    expect([...problems]).toEqual([
      [
        'openai',
        expect.stringMatching(/^the stored key is bound to groq at api\.groq\.com:443 and stays parked/),
      ],
    ]);
    expect(providers.get('openai')).toMatchObject({ storedKeyUnreadable: false, resolution: { key: null } });
    expect([...remarks]).toEqual([
      ['xai', 'the source is database; the key is not bound to xai at api.x.ai:443 (keyward keys bind xai)'],
    ]);
  });

  it('takes the permission and the headers of the row along, and names headers that cannot be sent', async () => {
    const source = await snapshotSource(opened());
    await client.query(`
      UPDATE llm_providers SET allow_private_network = true, base_url = 'https://10.0.0.1/v1',
        request_headers = '{"X-Title": "App"}' WHERE provider_slug = 'groq';
      UPDATE llm_providers SET base_url = 'https://10.0.0.1/v1' WHERE provider_slug = 'xai';
      UPDATE llm_providers SET request_headers = '["x"]' WHERE provider_slug = 'openai'`);
    const { problems, providers } = await source.load();
    expect(providers.get('groq')?.upstream).toMatchObject({
      allowPrivateNetwork: true,
      headers: { 'x-title': 'App' },
    });
    expect(problems.get('xai')).toMatch(/^base_url leads to a private network/);
    expect(problems.get('openai')).toBe('request_headers must be an object of strings');
  });

  it('takes an empty stored key for none, as the platform does', async () => {
    const source = await snapshotSource(opened(), { GROQ_API_KEY: exportedKey });
    await store('groq', '', 'hybrid');
    const snapshot = await source.load();
    expect(served(snapshot, 'groq')).toMatchObject({
      resolution: { source: 'environment', fallback: null },
      storedKeyUnreadable: false,
    });
    expect(snapshot.problems).toEqual(new Map());
  });

  it('falls back for a hybrid provider whose token is corrupt, and names it all the same', async () => {
    const source = await snapshotSource(opened(), { GROQ_API_KEY: exportedKey });
    await store('groq', source.encrypt(storedKey).slice(0, -10), 'hybrid');
    const snapshot = await source.load();
    expect(served(snapshot, 'groq').resolution).toMatchObject({
      source: 'environment',
      fallback: 'database_key_unreadable',
    });
    expect(snapshot.problems.get('groq')).toContain('does not decrypt with any key of the ring');
  });

  it('does not count a corrupt token as a problem where it would not serve, but remembers it', async () => {
    const source = await snapshotSource(opened(), { GROQ_API_KEY: exportedKey });
    await store('groq', 'rubbish', 'environment');
    const snapshot = await source.load();
    expect(served(snapshot, 'groq')).toMatchObject({
      resolution: { source: 'environment' },
      storedKeyUnreadable: true,
    });
    expect(snapshot.problems).toEqual(new Map());
  });

  it('takes a key as the platform wrote it, with a line break after it', async () => {
    const source = await snapshotSource(opened());
    await store('groq', source.encrypt(`${storedKey}\n`), 'database');
    expect(keyOf(await source.load(), 'groq')).toBe(storedKey);
  });

  it('sets a provider without an address, or with an impossible one, aside', async () => {
    const source = await snapshotSource(opened());
    await client.query(`
      INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('In-house', 'in-house', 'In-house');
      UPDATE llm_providers SET base_url = 'http://plain.example/v1' WHERE provider_slug = 'groq'`);
    const { problems, providers } = await source.load();
    expect(problems.get('in-house')).toBe('it has no base URL; set base_url or IN_HOUSE_BASE_URL');
    expect(problems.get('groq')).toContain('base_url is not https');
    expect(providers.size).toBe(13);
  });

  it('reads a slug that nobody knows as an OpenAI-compatible endpoint', async () => {
    const source = await snapshotSource(opened(), { IN_HOUSE_API_KEY: exportedKey });
    await client.query(`INSERT INTO llm_providers (provider_name, provider_slug, display_name, base_url)
      VALUES ('In-house', 'in-house', 'In-house', 'https://llm.internal/v1')`);
    const snapshot = await source.load();
    expect(keyOf(snapshot, 'in-house')).toBe(exportedKey);
    expect(served(snapshot, 'in-house').upstream).toMatchObject({ baseUrl: 'https://llm.internal/v1' });
  });

  it('holds the good gateway tokens: those of the database that are not revoked, each with its end, and that of the environment', async () => {
    const source = await snapshotSource(opened(), { KEYWARD_GATEWAY_TOKEN: gatewayToken });
    const audit = auditTrailOn(opened().database);
    const create = async (kind: 'admin' | 'gateway', name: string) =>
      createToken(audit, occasionOfTests, { kind, name });
    const good = await create('gateway', 'good');
    const expiresAt = new Date('2001-01-31T12:00:00.000Z');
    const expiring = await createToken(audit, occasionOfTests, { kind: 'gateway', name: 'short', expiresAt });
    const revoked = await create('gateway', 'revoked');
    await create('admin', 'admin');
    await revokeToken(audit, occasionOfTests, revoked.id);
    const { gatewayTokens } = await source.load();
    expect(gatewayTokens).toEqual(
      new Map([
        [
          hashToken(good.token.reveal()),
          { untilMs: Infinity, caller: { tokenId: good.id, name: 'good', limits: null } },
        ],
        [
          hashToken(expiring.token.reveal()),
          { untilMs: expiresAt.getTime(), caller: { tokenId: expiring.id, name: 'short', limits: null } },
        ],
        [hashToken(gatewayToken), { untilMs: Infinity, caller: environmentCaller }],
      ]),
    );
  });

  it('cannot be changed and shows no secret when it is printed', async () => {
    const source = await snapshotSource(opened(), {
      XAI_API_KEY: exportedKey,
      KEYWARD_GATEWAY_TOKEN: gatewayToken,
    });
    await store('groq', source.encrypt(storedKey), 'database');
    const snapshot = await source.load();
    expect(Object.isFrozen(snapshot)).toBe(true);
    expect([...snapshot.providers.values()].every((provider) => Object.isFrozen(provider))).toBe(true);
    const shown = inspect(snapshot, { depth: Infinity, showHidden: true, maxArrayLength: Infinity });
    expect(shown).toContain('groq');
    expect(shown).not.toContain('77aa');
  });
});

describe('while others write, on a real PostgreSQL', () => {
  it('a snapshot is of one moment: two providers that change together never differ in it', async () => {
    const opened = await openOn('postgres');
    await opened.empty();
    const source = await snapshotSource(opened);
    const writer = await opened.connect();
    await writer.query(`UPDATE llm_providers SET display_name = 'moment 0'`);
    const { revision: first } = await source.load();
    const writing = new AbortController();
    const write = async (): Promise<void> => {
      for (let n = 1; !writing.signal.aborted; n += 1) {
        await writer.query(`BEGIN;
          UPDATE llm_providers SET display_name = 'moment ${n}' WHERE provider_slug IN ('anthropic', 'xai');
          INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'moment ${n}', md5('${n}') || md5('${n}'), 'x');
          COMMIT`);
      }
    };
    const done = write();
    const revisions = new Set<number>();
    for (let times = 0; times < 60; times += 1) {
      const snapshot = await source.load();
      revisions.add(snapshot.revision);
      const moment = `moment ${snapshot.gatewayTokens.size}`;
      expect({
        anthropic: served(snapshot, 'anthropic').displayName,
        xai: served(snapshot, 'xai').displayName,
        revision: snapshot.revision,
      }).toEqual({ anthropic: moment, xai: moment, revision: first + snapshot.gatewayTokens.size });
    }
    writing.abort();
    await done;
    expect(revisions.size).toBeGreaterThan(3);
    await opened.close();
  });
});
