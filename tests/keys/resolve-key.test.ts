/** Which key serves: the seed's four cases to the letter, and hybrid's loud fallbacks. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveKey, type KeyCandidates, type Resolution } from '../../src/keys/resolve-key.ts';
import { Secret } from '../../src/foundation/secret.ts';

const stored = { key: new Secret(['stored', 'key'].join('-')) };
const exported = { key: new Secret(['exported', 'key'].join('-')) };
const broken = { problem: 'it does not decrypt' };
const odd = { problem: 'it holds characters that no key has' };
const parked = { problem: 'the stored key is bound to xai at api.x.ai:443', parked: true } as const;

const candidates = (over: Partial<KeyCandidates>): KeyCandidates => ({
  configuredSource: 'environment',
  database: null,
  databaseKeyDead: false,
  environment: null,
  environmentName: 'OPENROUTER_API_KEY',
  ...over,
});

describe("the seed's cases, literally: get_provider_api_key", () => {
  const database = 'stored-key';
  const environment = 'exported-key';
  it.each([
    // api_key_source, a key is stored, {SLUG}_API_KEY is set → the key that serves
    ['database', true, true, database],
    ['database', true, false, database],
    ['database', false, true, null],
    ['database', false, false, null],
    ['environment', true, true, environment],
    ['environment', false, true, environment],
    ['environment', true, false, null],
    ['environment', false, false, null],
    ['hybrid', true, true, database],
    ['hybrid', true, false, database],
    ['hybrid', false, true, environment],
    ['hybrid', false, false, null],
    ['vault', true, true, environment],
    ['vault', false, true, environment],
    ['vault', true, false, null],
    ['', true, true, environment],
    ['DATABASE', true, true, environment],
    ['database ', true, true, environment],
  ] as const)('%j, stored: %j, set: %j → %j', (configuredSource, isStored, isSet, serves) => {
    const { key, source } = resolveKey(
      candidates({
        configuredSource,
        database: isStored ? stored : null,
        environment: isSet ? exported : null,
      }),
    );
    expect(key?.reveal() ?? null).toBe(serves);
    expect(source).toBe(serves === null ? null : serves === database ? 'database' : 'environment');
  });

  it('a key that was proven dead still serves where the source is database: its provider has the last word', () => {
    const { key, fallback } = resolveKey(
      candidates({
        configuredSource: 'database',
        database: stored,
        databaseKeyDead: true,
        environment: exported,
      }),
    );
    expect([key, fallback]).toEqual([stored.key, null]);
  });

  it('a stored key that cannot be read serves nobody where the source is database, whatever is set', () => {
    const resolution = resolveKey(
      candidates({ configuredSource: 'database', database: broken, environment: exported }),
    );
    expect(resolution).toMatchObject({ key: null, source: null, problem: broken.problem });
  });

  it('a stored key that cannot be read does no harm where the source is environment', () => {
    const resolution = resolveKey(candidates({ database: broken, environment: exported }));
    expect(resolution).toMatchObject({ key: exported.key, source: 'environment', problem: null });
  });
});

describe('a stored key that is parked', () => {
  it('serves nobody where the source is database, and the reason is the problem in full', () => {
    const resolution = resolveKey(
      candidates({ configuredSource: 'database', database: parked, environment: exported }),
    );
    expect(resolution).toEqual({
      key: null,
      source: null,
      fallback: null,
      reason: parked.problem,
      problem: parked.problem,
      isProvenDead: false,
      standby: null,
    });
  });

  it('is a loud reason for hybrid to fall back', () => {
    const resolution = resolveKey(
      candidates({ configuredSource: 'hybrid', database: parked, environment: exported }),
    );
    expect(resolution).toEqual({
      key: exported.key,
      source: 'environment',
      fallback: 'database_key_parked',
      reason: `the source is hybrid and ${parked.problem} (OPENROUTER_API_KEY)`,
      problem: parked.problem,
      isProvenDead: false,
      standby: null,
    });
  });

  it('is not used by hybrid for want of another, nor when it was proven dead', () => {
    for (const databaseKeyDead of [true, false]) {
      const over = { configuredSource: 'hybrid', database: parked, databaseKeyDead };
      expect(resolveKey(candidates(over))).toMatchObject({
        key: null,
        source: null,
        problem: parked.problem,
      });
    }
  });

  it('does no harm where the source is environment', () => {
    expect(resolveKey(candidates({ database: parked, environment: exported }))).toMatchObject({
      source: 'environment',
      problem: null,
    });
  });
});

it('a remark on the stored key goes with the reason where that key serves, and is no problem', () => {
  const database = { ...stored, remark: 'it is not bound' };
  for (const configuredSource of ['database', 'hybrid']) {
    expect(resolveKey(candidates({ configuredSource, database }))).toMatchObject({
      key: stored.key,
      reason: expect.stringMatching(/; it is not bound$/) as string,
      problem: null,
    });
  }
  expect(resolveKey(candidates({ database, environment: exported })).reason).not.toContain('not bound');
});

const hybrid = (over: Partial<KeyCandidates>): Resolution =>
  resolveKey(candidates({ configuredSource: 'hybrid', ...over }));

describe('hybrid', () => {
  it('falls back when the stored key cannot be read, and says so', () => {
    expect(hybrid({ database: broken, environment: exported })).toMatchObject({
      key: exported.key,
      source: 'environment',
      fallback: 'database_key_unreadable',
      problem: broken.problem,
    });
  });

  it('falls back when the stored key was proven dead, and says so', () => {
    expect(hybrid({ database: stored, databaseKeyDead: true, environment: exported })).toMatchObject({
      key: exported.key,
      source: 'environment',
      fallback: 'database_key_dead',
      problem: 'the last test proved the stored key dead',
    });
  });

  it('a dead stored key serves on where nothing else is set, and is reported', () => {
    expect(hybrid({ database: stored, databaseKeyDead: true })).toMatchObject({
      key: stored.key,
      source: 'database',
      fallback: null,
      reason: expect.stringMatching(
        /^the source is hybrid, .*proved the stored key dead, and \w+ is not set$/,
      ) as string,
      problem: 'the last test proved the stored key dead',
      isProvenDead: true,
    });
  });

  it('a dead stored key serves on where the environment holds only rubbish', () => {
    expect(hybrid({ database: stored, databaseKeyDead: true, environment: odd })).toMatchObject({
      key: stored.key,
      source: 'database',
    });
  });

  it('an unreadable stored key and nothing set: nobody is served, and the reason is the stored key', () => {
    expect(hybrid({ database: broken })).toMatchObject({ key: null, source: null, problem: broken.problem });
  });

  it('no stored key is not a fallback: it is what hybrid means', () => {
    expect(hybrid({ environment: exported })).toMatchObject({
      source: 'environment',
      fallback: null,
      problem: null,
    });
  });

  it('no stored key and rubbish in the environment: the reason names the variable', () => {
    const resolution = hybrid({ environment: odd });
    expect(resolution).toMatchObject({ key: null, problem: odd.problem });
    expect(resolution.reason).toContain(`OPENROUTER_API_KEY cannot be used: ${odd.problem}`);
  });

  it('a good stored key outranks everything', () => {
    expect(hybrid({ database: stored, environment: exported })).toMatchObject({
      key: stored.key,
      source: 'database',
      fallback: null,
      problem: null,
      isProvenDead: false,
    });
  });

  it('has the other key standing by while the stored one serves, and in no other case', () => {
    expect(hybrid({ database: stored, environment: exported }).standby).toEqual({
      key: exported.key,
      source: 'environment',
    });
    for (const over of [
      { database: stored },
      { database: stored, environment: odd },
      { database: stored, databaseKeyDead: true, environment: exported },
      { environment: exported },
      { configuredSource: 'database', database: stored, environment: exported },
      { configuredSource: 'environment', database: stored, environment: exported },
    ])
      expect(hybrid(over).standby).toBeNull();
  });
});

describe('a key that serves although it was proven dead', () => {
  it.each(['database', 'hybrid'])('is told as such, source %s', (configuredSource) => {
    expect(
      resolveKey(candidates({ configuredSource, database: stored, databaseKeyDead: true })),
    ).toMatchObject({ key: stored.key, isProvenDead: true });
  });

  it('is not the one of the environment, of which another key was proven dead', () => {
    expect(
      resolveKey(candidates({ database: stored, databaseKeyDead: true, environment: exported })),
    ).toMatchObject({ key: exported.key, isProvenDead: false });
  });
});

describe('the reason', () => {
  it('names the unknown value of api_key_source', () => {
    const { reason } = resolveKey(candidates({ configuredSource: 'vault', environment: exported }));
    expect(reason).toBe(
      'api_key_source "vault" is not known, so the source is environment (OPENROUTER_API_KEY)',
    );
  });

  it('names the variable that is not set', () => {
    expect(resolveKey(candidates({})).reason).toBe(
      'the source is environment and OPENROUTER_API_KEY is not set',
    );
    expect(resolveKey(candidates({ configuredSource: 'hybrid' })).reason).toBe(
      'the source is hybrid, no key is stored and OPENROUTER_API_KEY is not set',
    );
  });
});

const everyCase = fc.record({
  configuredSource: fc.oneof(fc.constantFrom('database', 'environment', 'hybrid'), fc.string()),
  database: fc.constantFrom(null, stored, broken),
  databaseKeyDead: fc.boolean(),
  environment: fc.constantFrom(null, exported, odd),
  environmentName: fc.constant('OPENROUTER_API_KEY'),
});

describe('in every case whatsoever', () => {
  it('there is a key exactly when there is a source, and the key is the one of that source', () => {
    fc.assert(
      fc.property(everyCase, (one) => {
        const { key, source } = resolveKey(one);
        const keys = { database: stored.key, environment: exported.key };
        expect(key).toBe(source === null ? null : keys[source]);
      }),
    );
  });

  it('there is a reason, it is one line, and it holds no key', () => {
    fc.assert(
      fc.property(everyCase, (one) => {
        const { reason } = resolveKey({
          ...one,
          configuredSource: one.configuredSource.replaceAll(/\s/g, ''),
        });
        expect(reason.length).toBeGreaterThan(10);
        expect(reason).not.toMatch(/\n|stored-key|exported-key/);
      }),
    );
  });

  it('a fallback is never silent: it names its problem and serves from the environment', () => {
    fc.assert(
      fc.property(everyCase, (one) => {
        const { fallback, problem, source } = resolveKey(one);
        expect(fallback === null || (problem !== null && source === 'environment')).toBe(true);
      }),
    );
  });

  it('database never yields a key of the environment, nor environment one of the database', () => {
    fc.assert(
      fc.property(everyCase, (one) => {
        const { source } = resolveKey(one);
        fc.pre(one.configuredSource !== 'hybrid');
        expect(source).not.toBe(one.configuredSource === 'database' ? 'environment' : 'database');
      }),
    );
  });
});
