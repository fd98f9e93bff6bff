/**
 * Every provider that makes keys by API, and the one that only retires them, before a stand-in that speaks its
 * wire: a key is made, found by its name on whichever page, and revoked; what fails is told apart from what may
 * have been done; and after a sweep the keys that live there are those of the ledger, however a call broke off.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../../src/crypto/key-ring.ts';
import { Secret } from '../../../src/foundation/secret.ts';
import type { KeyActParts } from '../../../src/keys/key-acts.ts';
import { findProvider, type ListedProvider } from '../../../src/keys/list-providers.ts';
import {
  hasSpread,
  listAtProvider,
  mintAtProvider,
  RefusedByManagement,
  revokeAtProvider,
  type ManagedKey,
} from '../../../src/keys/rotation/call-management.ts';
import {
  openManagement,
  setManagement,
  type ManagementAccess,
} from '../../../src/keys/rotation/management-store.ts';
import { mintRotation } from '../../../src/keys/rotation/mint-rotation.ts';
import {
  cancelRotation,
  promoteKey,
  retireOldKey,
  rollBackKey,
} from '../../../src/keys/rotation/rotation-acts.ts';
import { findRotation, listKeyVersions } from '../../../src/keys/rotation/rotation-store.ts';
import { startRotation } from '../../../src/keys/rotation/start-rotation.ts';
import { sweepProvider, type SweepReport } from '../../../src/keys/rotation/sweep-keys.ts';
import { occasionOfTests } from '../../support/audited.ts';
import { openOn, type OpenedDatabase } from '../../support/keyward-database.ts';
import { keyActPartsOn, storeFirstKey } from '../../support/rotating.ts';
import { StandInManagement, type Failure } from '../../support/stand-in-management.ts';
import { managedSlugs, managementWire, type ManagedSlug } from '../../support/stand-in-management-wires.ts';
import { startStandInProvider, type StandInProvider } from '../../support/stand-in-provider.ts';

const because = { ...occasionOfTests, reason: 'the test says so' };
const foreign = ['first by hand', 'second by hand', 'third by hand', 'fourth by hand', 'fifth by hand'];

let opened: OpenedDatabase;
let provider: StandInProvider;
let management: StandInManagement;
let parts: KeyActParts;
let row: ListedProvider;

beforeAll(async () => {
  opened = await openOn('postgres');
});
afterAll(async () => opened.close());

/** An installation with a key that a person entered, and a provider where five more live, two to a page. */
async function prepare(slug: ManagedSlug, credential = managementWire(slug).credential): Promise<void> {
  await opened.empty();
  provider = await startStandInProvider({ slug, keys: [] });
  management = new StandInManagement(provider, slug);
  await management.listen();
  for (const name of foreign) management.addForeign(name);
  management.setPage(2);
  parts = await keyActPartsOn(opened, KeyRing.parse(generateEncryptionKey()), provider.baseUrl, { slug });
  await storeFirstKey(parts, management.addForeign('entered'), slug);
  await setManagement(parts, occasionOfTests, slug, {
    credential: new Secret(credential),
    baseUrl: management.baseUrl,
    parameters: management.wire.parameters,
  });
  const found = await findProvider(parts.database.kysely, slug);
  if (found === undefined) throw new Error('no provider');
  row = found;
}

async function takeDown(): Promise<void> {
  await management.close();
  await provider.close();
}

async function access(): Promise<ManagementAccess> {
  const opened = await openManagement(parts, row);
  if (opened === null) throw new Error('no credential');
  return opened;
}

const byHand = [...foreign, 'entered'];
const made = (): string[] => management.live.filter((name) => !byHand.includes(name));
const listed = async (name: string): Promise<ManagedKey[]> =>
  ((await listAtProvider(await access())) ?? []).filter((key) => key.name === name);
const sweep = async (graceSeconds = 0): Promise<SweepReport> => {
  const report = await sweepProvider(parts, occasionOfTests, row, { graceSeconds });
  if (report === null) throw new Error('no credential');
  return report;
};
/** Names of the made keys that live, by the ledger. */
const ledger = async (): Promise<(string | null)[]> =>
  (await listKeyVersions(parts.database.kysely, row.id))
    .filter(({ state, minted_name: name }) => name !== null && !['retired', 'revoked'].includes(state))
    .map(({ minted_name: name }) => name);
const last = async () => findRotation(parts.database.kysely, row.id, 'last');
const failureOf = async (act: Promise<unknown>): Promise<Error> =>
  act.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as Error,
  );

const minting = managedSlugs.filter((slug) => managementWire(slug).mint !== undefined);
const listing = minting.filter((slug) => managementWire(slug).list !== undefined);

describe.each(minting)('%s', (slug) => {
  beforeEach(async () => {
    await prepare(slug);
    return takeDown;
  });

  it('makes a key that serves, by whose name it is found on the last page, and revokes it, once and again', async () => {
    const key = await mintAtProvider(await access(), 'keyward-one');
    expect(management.live).toEqual([...byHand, 'keyward-one']);
    const answer = await fetch(`${provider.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.key.reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'any/model', messages: [] }),
    });
    expect(answer.status).toBe(200);
    if (management.wire.list !== undefined) {
      expect(await listed('keyward-one')).toMatchObject([{ id: key.id, state: 'live' }]);
      expect(await listAtProvider(await access())).toHaveLength(byHand.length + 1);
      await revokeAtProvider(await access(), key);
    }
    await revokeAtProvider(await access(), key).catch(() => undefined);
    expect([management.live, await listed('keyward-one')]).toEqual([byHand, []]);
  });

  it.each([
    [{ status: 401 }, 'refused'],
    [{ status: 403 }, 'refused'],
    [{ status: 429 }, 'refused'],
    [{ status: 500 }, 'in doubt'],
    [{ status: 503 }, 'in doubt'],
    ['reset at once', 'in doubt'],
    ['reset when done', 'in doubt'],
    ['cut off', 'in doubt'],
  ] as readonly (readonly [Failure, 'refused' | 'in doubt'])[])(
    'a call that fails by %o is %s, and shows no credential',
    async (how, verdict) => {
      management.fail('mint', how);
      const error = await failureOf(mintRotation(parts, occasionOfTests, slug, {}));
      expect(error).toMatchObject({ code: 'management_failed' });
      expect(error instanceof RefusedByManagement).toBe(verdict === 'refused');
      const rotation = await last();
      expect(rotation?.step).toBe('failed');
      const isDoubted = /the next sweep revokes it|look for it by its name/.test(rotation?.explanation ?? '');
      expect(isDoubted).toBe(verdict === 'in doubt');
      expect(rotation?.explanation).not.toContain(management.wire.credential.slice(0, 20));
    },
  );

  it('says which credential it takes where the one that is stored may not manage keys, or is none', async () => {
    for (const credential of [management.wire.powerless, 'no-such-credential']) {
      await setManagement(parts, occasionOfTests, slug, {
        credential: new Secret(credential),
        baseUrl: management.baseUrl,
        parameters: management.wire.parameters,
      });
      const { management: entry } = await access();
      const error = await failureOf(mintRotation(parts, occasionOfTests, slug, {}));
      expect(error.message).toContain(`It takes ${entry.credential}.`);
    }
    expect(made()).toEqual([]);
  });

  it('what a rotation made and nobody serves is revoked, also where the first attempts fail', async () => {
    await mintRotation(parts, occasionOfTests, slug, {});
    expect(made()).toEqual(await ledger());
    await cancelRotation(parts, occasionOfTests, slug);
    for (const how of [{ status: 500 }, { status: 429 }, { status: 403 }, 'reset at once'] as const) {
      management.fail(management.wire.disable === undefined ? 'revoke' : 'disable', how, 1);
      const { failures, revoked } = await sweep();
      expect([failures.length, revoked, made().length]).toEqual([1, [], 1]);
    }
    // It was done, and nobody heard of it.
    management.fail('revoke', 'reset when done', 1);
    expect((await sweep()).failures).toHaveLength(management.wire.list === undefined ? 0 : 1);
    await sweep();
    expect([management.live, await ledger(), (await last())?.newKey.state]).toEqual([byHand, [], 'revoked']);
    expect(await sweep()).toMatchObject({ revoked: [], waiting: [], failures: [], unfindable: [] });
  });

  it('a retired key that was brought back by SQL is left alone while it serves', async () => {
    await mintRotation(parts, occasionOfTests, slug, { soakSeconds: 0 });
    await promoteKey(parts, because, slug, { force: true });
    const token = (await findProvider(parts.database.kysely, slug))?.encrypted_api_key;
    await rollBackKey(parts, because, slug);
    await sql`UPDATE llm_providers SET encrypted_api_key = ${token} WHERE id = ${row.id}`.execute(
      parts.database.kysely,
    );
    expect(await sweep()).toMatchObject({ revoked: [], waiting: [expect.stringMatching(/^keyward-/)] });
    expect(made()).toHaveLength(1);
  });
});

const brokenOff = ['reset at once', 'reset when done', 'cut off', { status: 500 }] as const;

describe.each(listing)('%s, where a call broke off while the key was made', (slug) => {
  beforeEach(async () => {
    await prepare(slug);
    return takeDown;
  });

  it.each(brokenOff)('(%o) the keys that live after a sweep are those of the ledger', async (how) => {
    management.fail('mint', how, 1);
    await failureOf(mintRotation(parts, occasionOfTests, slug, {}));
    const mayLive = made();
    expect(mayLive).toHaveLength(how === 'reset when done' || how === 'cut off' ? 1 : 0);
    expect(await sweep(3_600)).toMatchObject({ revoked: [], waiting: mayLive });
    expect((await sweep()).revoked).toEqual(mayLive);
    expect([made(), await ledger()]).toEqual([[], []]);
    await mintRotation(parts, occasionOfTests, slug, {});
    await sweep();
    expect([made(), management.live]).toEqual([await ledger(), [...byHand, ...(await ledger())]]);
  });

  it('a key that shows on the list only later is revoked then, though it was taken for dead', async () => {
    management.lag({ listings: 2 });
    management.fail('mint', 'reset when done', 1);
    await failureOf(mintRotation(parts, occasionOfTests, slug, {}));
    const reports = [await sweep(), await sweep(), await sweep()];
    expect(reports.map(({ revoked }) => revoked.length)).toEqual([0, 0, 1]);
    expect(management.live).toEqual(byHand);
  });

  it('a list that cannot be read to its end ends no key, and says so', async () => {
    await mintRotation(parts, occasionOfTests, slug, {});
    await cancelRotation(parts, occasionOfTests, slug);
    const { newKey } = (await last()) ?? {};
    management.setPage(1);
    for (let number = 0; number < 110; number += 1) management.addForeign(`one of many ${number}`);
    expect((await failureOf(sweep())).message).toContain('more than 100 pages');
    management.setPage(100);
    management.fail('list', { status: 429 }, 1);
    expect((await failureOf(sweep())).message).toContain('429');
    management.fail('list', 'cut off', 1);
    await failureOf(sweep());
    expect(made()).toContain(newKey?.minted_name);
    expect((await sweep()).revoked).toEqual([newKey?.minted_name]);
  });
});

describe('perplexity, where keys cannot be listed', () => {
  beforeEach(async () => {
    await prepare('perplexity');
    return takeDown;
  });

  it.each(brokenOff)('(%o) names what may live there, and a person has to look for it', async (how) => {
    management.fail('mint', how, 1);
    await failureOf(mintRotation(parts, occasionOfTests, 'perplexity', {}));
    const rotation = await last();
    expect(rotation?.explanation).toContain('look for it by its name');
    expect((await sweep()).unfindable).toEqual([rotation?.newKey.minted_name]);
  });

  it('takes a refused revocation for done only where the key itself is refused', async () => {
    await mintRotation(parts, occasionOfTests, 'perplexity', {});
    await cancelRotation(parts, occasionOfTests, 'perplexity');
    management.fail('revoke', { status: 404 });
    expect((await sweep()).failures).toHaveLength(1);
    expect((await last())?.newKey.state).toBe('retired');
    provider.setKeys([]);
    expect((await sweep()).failures).toEqual([]);
    expect((await last())?.newKey.state).toBe('revoked');
  });
});

describe('xai', () => {
  beforeEach(async () => {
    await prepare('xai');
    return takeDown;
  });

  it('tells when a new key has spread', async () => {
    management.lag({ asked: 2 });
    const { id } = await mintAtProvider(await access(), 'keyward-slow');
    const answers = [];
    for (let time = 0; time < 3; time += 1) answers.push(await hasSpread(await access(), id));
    expect(answers).toEqual([false, false, true]);
  });
});

describe('anthropic, where a person makes the key and the program retires it', () => {
  const slug = 'anthropic';
  beforeEach(async () => {
    await prepare(slug);
    return takeDown;
  });

  const rotateTo = async (key: string): Promise<void> => {
    await startRotation(parts, occasionOfTests, slug, { key: new Secret(key), soakSeconds: 0 });
    await promoteKey(parts, because, slug, { force: true });
    await retireOldKey(parts, occasionOfTests, slug);
  };

  it('cannot make one, and says who can', async () => {
    const error = await failureOf(mintRotation(parts, occasionOfTests, slug, {}));
    expect(error).toMatchObject({ code: 'management_unavailable' });
    expect(error.message).toContain('Only a person can make a key');
  });

  it('the old key of a complete rotation is told by its looks on whichever page, and archived; no other is', async () => {
    const [second, third] = ['second', 'third'].map((name) => management.addForeign(name));
    await rotateTo(second ?? '');
    expect((await sweep()).revoked).toEqual(['entered']);
    expect(management.live).toEqual([...foreign, 'second', 'third']);
    // Known by its number before it is retired, as every key that serves while a sweep looks.
    await rotateTo(third ?? '');
    management.fail('revoke', 'reset when done', 1);
    expect((await sweep()).failures).toHaveLength(1);
    expect(await sweep()).toMatchObject({ failures: [], unknown: foreign });
    expect(management.live).toEqual([...foreign, 'third']);
    const states = (await listKeyVersions(parts.database.kysely, row.id)).map(
      ({ state, encrypted_api_key: token }) => [state, token !== null],
    );
    expect(states).toEqual([
      ['active', true],
      ['revoked', false],
      ['revoked', false],
    ]);
  });

  it('a new key that was given up is not touched: a person made it, and may need it elsewhere', async () => {
    const second = management.addForeign('second');
    await startRotation(parts, occasionOfTests, slug, { key: new Secret(second) });
    await sweep();
    await cancelRotation(parts, occasionOfTests, slug);
    expect(await sweep()).toMatchObject({ revoked: [], waiting: [] });
    expect(management.live).toEqual([...byHand, 'second']);
  });

  it('an old key that is not among those there is named once, and forgotten here', async () => {
    await storeFirstKey(parts, management.wire.keyOf(77), slug);
    await rotateTo(management.addForeign('second'));
    expect((await sweep()).unfindable).toHaveLength(1);
    expect((await sweep()).unfindable).toEqual([]);
    const [, old] = await listKeyVersions(parts.database.kysely, row.id);
    expect(old).toMatchObject({ state: 'retired', encrypted_api_key: null });
    expect(old?.remark).toContain('see to it by hand');
  });
});
