/**
 * The promise: a stored key reaches the provider and the host that it was entered for, and no other, whatever
 * is written into the database; on both usualEngines and under both values of KEY_BINDING. Through a running
 * server, with stand-ins that record every request.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { bindKey } from '../../src/keys/bind-key.ts';
import { changeProvider } from '../../src/keys/change-provider-settings.ts';
import { storeKey, type ChangeParts } from '../../src/keys/change-provider.ts';
import { ownHost } from '../../src/keys/upstream-address.ts';
import { usualEngines } from '../support/depth.ts';
import { occasionOfTests } from '../support/audited.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

vi.setConfig({ testTimeout: 120_000 });

const promise = 'a ciphertext cannot be moved';
const newKey = (): string => ['gsk', randomBytes(26).toString('hex')].join('_');

const token = "(SELECT encrypted_api_key FROM llm_providers WHERE provider_slug = 'groq')";
const binding = "(SELECT api_key_binding FROM llm_providers WHERE provider_slug = 'groq')";
const insertThief = (columns: string, values: string): string =>
  `INSERT INTO llm_providers (provider_name, provider_slug, display_name, api_key_source, base_url, ${columns})
   SELECT 'Thief', 'thief', 'Thief', 'database', base_url, ${values} FROM llm_providers WHERE provider_slug = 'xai'`;
const toThief = "base_url = (SELECT base_url FROM llm_providers WHERE provider_slug = 'xai')";
const setXai = (columns: string): string => `UPDATE llm_providers SET ${columns} WHERE provider_slug = 'xai'`;
const setGroq = (columns: string): string =>
  `UPDATE llm_providers SET ${columns} WHERE provider_slug = 'groq'`;

/** Each is what a program with the right to write may try. The key of groq is bound to its home; xai leads to the thief. */
const moves: readonly (readonly [title: string, ...statements: string[]])[] = [
  ['the token is copied to another provider', setXai(`encrypted_api_key = ${token}`)],
  [
    'the token is copied with its binding',
    setXai(`encrypted_api_key = ${token}, api_key_binding = ${binding}`),
  ],
  [
    'the token is moved: the first provider has none any more',
    setXai(`encrypted_api_key = ${token}`),
    setGroq('encrypted_api_key = NULL'),
  ],
  [
    'the token is moved with its binding',
    setXai(`encrypted_api_key = ${token}, api_key_binding = ${binding}`),
    setGroq('encrypted_api_key = NULL'),
  ],
  [
    'the token is copied and the binding of the first wiped out',
    setXai(`encrypted_api_key = ${token}`),
    setGroq('api_key_binding = NULL'),
  ],
  [
    'the token is copied, and the first provider deleted',
    setXai(`encrypted_api_key = ${token}`),
    "DELETE FROM llm_providers WHERE provider_slug = 'groq'",
  ],
  ['a new provider gets the token', insertThief('encrypted_api_key', token)],
  [
    'a new provider gets the token and its binding',
    insertThief('encrypted_api_key, api_key_binding', `${token}, ${binding}`),
  ],
  ['base_url is changed', setGroq(toThief)],
  ['base_url is changed and the binding wiped out', setGroq(`${toThief}, api_key_binding = NULL`)],
  [
    'base_url is changed and the token written anew, so that a trigger wipes the binding out',
    setGroq(`${toThief}, encrypted_api_key = encrypted_api_key || E'\\n'`),
  ],
  ['the provider is renamed and led elsewhere', setGroq(`${toThief}, provider_slug = 'thief'`)],
  [
    'the provider is renamed, led elsewhere, and its binding wiped out',
    setGroq(`${toThief}, provider_slug = 'thief', api_key_binding = NULL`),
  ],
  [
    'the provider is switched to hybrid, led elsewhere, and its binding wiped out',
    setGroq(`${toThief}, api_key_source = 'hybrid', api_key_binding = NULL`),
  ],
  [
    'the binding is forged',
    setXai(
      `encrypted_api_key = ${token}, api_key_binding = left(${binding}, 12) || '${randomBytes(32).toString('base64url')}'`,
    ),
  ],
  ['the binding is cut', setXai(`encrypted_api_key = ${token}, api_key_binding = left(${binding}, -1)`)],
  ['the binding is empty', setXai(`encrypted_api_key = ${token}, api_key_binding = ''`)],
  [
    'the binding says another version',
    setXai(`encrypted_api_key = ${token}, api_key_binding = replace(${binding}, 'v1.', 'v2.')`),
  ],
  [
    'the binding is a right one for another encryption key',
    setXai(`encrypted_api_key = ${token}, api_key_binding = '{foreign binding}'`),
  ],
  [
    'the binding of the key that stood there before is put back',
    setXai("encrypted_api_key = NULL, api_key_binding = '{own binding}'"),
    setXai(`encrypted_api_key = ${token}`),
    setXai("api_key_binding = '{own binding}'"),
  ],
  [
    'the record of the bindings is written over first, as far as that goes',
    setXai(`encrypted_api_key = ${token}`),
    setGroq('api_key_binding = NULL'),
    "UPDATE keyward_installation SET fingerprint_key = repeat('00', 32)",
  ],
];

/** The guard is in this process and not in the engine: the second engine finds what the first did. */
let tried = 0;

afterAll(() => {
  tellFigure(
    promise,
    `${tried} of ${moves.length * usualEngines.length * 2} ways to move a key by SQL, each before and after a restart, brought it nowhere`,
  );
});

describe.each(
  usualEngines.flatMap((engine) => (['warn', 'require'] as const).map((mode) => [engine, mode] as const)),
)('on the engine %s under KEY_BINDING=%s', (engine, mode) => {
  let place: Place;
  let keyward: RunningKeyward;
  let home: StandInProvider;
  let thief: StandInProvider;

  const start = async (): Promise<RunningKeyward> =>
    startKeyward({ place, engine, env: { KEY_BINDING: mode } });

  beforeAll(async () => {
    [home, thief] = (await Promise.all(
      ['groq', 'xai'].map(async (slug) => startStandInProvider({ slug, keys: [] })),
    )) as [StandInProvider, StandInProvider];
    place = await newPlace(engine);
    keyward = await start();
  });
  afterAll(async () => {
    await keyward.stop();
    await place.remove();
    await Promise.all([home.close(), thief.close()]);
  });

  const changes = (): ChangeParts => {
    const { audit, keyRing, fingerprinter, config, bindings } = keyward.server.installation;
    return { audit, ring: keyRing.ring, fingerprinter, config, bindings };
  };
  const enter = async (slug: string, key: string): Promise<void> => {
    await storeKey(changes(), occasionOfTests, slug, { key: new Secret(key), source: 'database' });
    await keyward.caughtUp();
  };
  const columnOf = async (slug: string, column: string): Promise<string> => {
    const [row] = await keyward.sql<Record<string, string>>(
      `SELECT ${column} FROM llm_providers WHERE provider_slug = $1`,
      [slug],
    );
    return row?.[column] ?? '';
  };
  const chat = async (slug: string): Promise<number> => {
    const response = await keyward.chat({ model: `${slug}/m`, messages: [] });
    await response.arrayBuffer();
    return response.status;
  };
  const chatWithAll = async (): Promise<void> => {
    for (const slug of ['groq', 'xai', 'thief']) await chat(slug);
  };
  /** In whatever header and form. */
  const sawKey = ({ requests }: StandInProvider, key: string): boolean =>
    JSON.stringify(
      requests.map(({ rawHeaders, path, body }) => [rawHeaders, path, body.toString('latin1')]),
    ).includes(key);

  /** groq with a fresh key that is bound to its home; xai leads to the thief and has a key of its own there. */
  async function prepare(): Promise<{ key: string; own: string }> {
    await keyward.sql(`DELETE FROM llm_providers WHERE provider_slug IN ('groq', 'xai', 'thief')`);
    await keyward.sql(
      `INSERT INTO llm_providers (provider_name, provider_slug, display_name, base_url)
         VALUES ('Groq', 'groq', 'Groq', $1), ('xAI', 'xai', 'xAI', $2)`,
      [home.baseUrl, thief.baseUrl],
    );
    const key = newKey();
    const own = newKey();
    home.setKeys([key]);
    thief.setKeys([own]);
    await enter('groq', key);
    await enter('xai', own);
    expect([await chat('groq'), await chat('xai')]).toEqual([200, 200]);
    expect([sawKey(home, key), sawKey(thief, own), sawKey(thief, key)]).toEqual([true, true, false]);
    return { key, own };
  }

  it.each(moves)('%s: the key does not arrive there', async (_title, ...statements) => {
    const { key } = await prepare();
    const foreign = KeyRing.parse(generateEncryptionKey()).bind(new Secret(key), {
      slug: 'xai',
      host: ownHost(thief.baseUrl, undefined),
    });
    const ownBinding = await columnOf('xai', 'api_key_binding');
    for (const statement of statements)
      await keyward.sql(
        statement.replaceAll('{foreign binding}', foreign).replaceAll('{own binding}', ownBinding),
      );
    await keyward.caughtUp();
    await chatWithAll();
    await keyward.stop();
    keyward = await start();
    await chatWithAll();
    expect(sawKey(thief, key)).toBe(false);
    tried += 1;
  });

  it('a copy leaves the key itself serving where it belongs, and is named with the place it belongs to', async () => {
    await prepare();
    await keyward.change(setXai(`encrypted_api_key = ${token}, api_key_binding = ${binding}`));
    expect([await chat('groq'), await chat('xai')]).toEqual([200, 503]);
    expect((await keyward.ready()).checks['providers']?.['set_aside']).toMatchObject({
      xai: expect.stringContaining(
        `the stored key is bound to groq at ${ownHost(home.baseUrl, undefined)} and stays parked until it is entered again`,
      ) as string,
    });
  });

  it('a key that is parked serves again once it is entered for the new host', async () => {
    const { key } = await prepare();
    const second = await startStandInProvider({ slug: 'groq', keys: [key] });
    await keyward.change(`UPDATE llm_providers SET base_url = $1 WHERE provider_slug = 'groq'`, [
      second.baseUrl,
    ]);
    expect(await chat('groq')).toBe(503);
    expect(second.requests).toEqual([]);
    await enter('groq', key);
    expect(await chat('groq')).toBe(200);
    expect(sawKey(second, key)).toBe(true);
    await second.close();
  });

  it('a change of the host through Keyward parks the key, and the old host has it back', async () => {
    const { key } = await prepare();
    const lead = async (baseUrl: string): Promise<boolean> => {
      const { parked } = await changeProvider(changes(), occasionOfTests, 'groq', { baseUrl });
      await keyward.caughtUp();
      return parked;
    };
    expect([await lead(thief.baseUrl), await chat('groq')]).toEqual([true, 503]);
    expect([await lead(home.baseUrl), await chat('groq')]).toEqual([false, 200]);
    expect(sawKey(thief, key)).toBe(false);
  });

  it('the record from which wiped bindings are known refuses to be changed', async () => {
    await prepare();
    for (const statement of [
      'DELETE FROM keyward_audit_events',
      "UPDATE keyward_audit_events SET event = '{}'",
      'TRUNCATE keyward_audit_events',
    ])
      await expect(keyward.sql(statement)).rejects.toThrow(/the audit trail cannot be changed/);
  });

  it(`the limit: a key that no Keyward ever saw has no binding, and ${mode === 'warn' ? 'serves with a remark' : 'serves nobody'} until it is bound`, async () => {
    await prepare();
    const key = newKey();
    home.setKeys([key]);
    await keyward.setProvider('groq', { encrypted_api_key: keyward.encrypt(key) });
    expect(await chat('groq')).toBe(mode === 'warn' ? 200 : 503);
    const { checks } = await keyward.ready();
    expect(checks['providers']?.[mode === 'warn' ? 'remarks' : 'set_aside']).toMatchObject({
      groq: expect.stringContaining('keyward keys bind groq') as string,
    });
    await bindKey(changes(), occasionOfTests, 'groq', {
      storedToken: await columnOf('groq', 'encrypted_api_key'),
      host: ownHost(home.baseUrl, undefined),
    });
    await keyward.caughtUp();
    expect(await chat('groq')).toBe(200);
    await keyward.change(setGroq(`${toThief}, api_key_binding = NULL`));
    expect(await chat('groq')).toBe(503);
    expect(sawKey(thief, key)).toBe(false);
  });
});
