/** The key ring: the first key encrypts, all decrypt, as MultiFernet does, and no key ever shows. */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateEncryptionKey, parseEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { DecryptError, decryptFernet, encryptFernet } from '../../src/crypto/fernet.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { UsageError } from '../../src/foundation/errors.ts';
import { Secret } from '../../src/foundation/secret.ts';
import python from './python-fernet-vectors.json' with { type: 'json' };

const ringOf = (...keys: readonly string[]) => KeyRing.parse(new Secret(keys.join(',')));
const newKey = () => generateEncryptionKey().reveal();
const idOf = (key: string) => parseEncryptionKey(key).id;
const standIn = ['sk', 'test', 'stand-in'].join('-');

/** Every way in which a value finds its way into a log. */
const everyWay = (value: unknown) => [
  inspect(value, { depth: Infinity, showHidden: true, getters: true }),
  JSON.stringify(value),
  String(value),
];

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a ring', () => {
  it('encrypts with its first key', () => {
    const [first, second] = [newKey(), newKey()];
    const token = ringOf(first, second).encrypt(new Secret(standIn));
    expect(decryptFernet(parseEncryptionKey(first), token).plaintext).toBe(standIn);
  });

  it('decrypts with each of its keys, and says which', () => {
    const keys = [newKey(), newKey(), newKey()];
    const ring = ringOf(...keys);
    const now = new Date('2026-01-02T03:04:05Z');
    for (const key of keys) {
      const token = encryptFernet(parseEncryptionKey(key), standIn, { now });
      const { secret, keyId, createdAt } = ring.decrypt(token);
      expect(secret).toBeInstanceOf(Secret);
      expect({ plaintext: secret.reveal(), keyId, createdAt }).toEqual({
        plaintext: standIn,
        keyId: idOf(key),
        createdAt: now,
      });
      expect(ring.keyIdFor(token)).toBe(idOf(key));
    }
  });

  it('names its keys in order, the active one first', () => {
    const keys = [newKey(), newKey()];
    const ring = ringOf(...keys);
    expect(ring.keyIds).toEqual(keys.map(idOf));
    expect(ring.activeKeyId).toBe(ring.keyIds[0]);
  });

  it('takes white space around its keys', () => {
    const keys = [newKey(), newKey()];
    expect(KeyRing.parse(new Secret(` ${keys.join(' ,\n ')}\n`)).keyIds).toEqual(keys.map(idOf));
  });

  it('gives any text back (property)', () => {
    const ring = ringOf(newKey(), newKey());
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(ring.decrypt(ring.encrypt(new Secret(text))).secret.reveal()).toBe(text);
      }),
    );
  });

  it('opens nothing of a key that it does not hold', () => {
    const token = ringOf(newKey()).encrypt(new Secret(standIn));
    const ring = ringOf(newKey(), newKey());
    expect(thrownBy(() => ring.decrypt(token))).toMatchObject({ name: 'DecryptError', reason: 'wrong_key' });
    expect(ring.keyIdFor(token)).toBeUndefined();
  });

  it('tells what is no token, or holds no text, from a missing key', () => {
    const ring = ringOf(newKey(), python.notText.key, newKey());
    expect(thrownBy(() => ring.decrypt('no token'))).toMatchObject({ reason: 'malformed' });
    expect(ring.keyIdFor('no token')).toBeUndefined();
    expect(thrownBy(() => ring.decrypt(python.notText.token))).toMatchObject({ reason: 'not_text' });
  });
});

describe('a ring beside MultiFernet', () => {
  it.each(python.rings)(
    '$name: opens what MultiFernet encrypted and rotated, under the same keys',
    (vector) => {
      const ring = ringOf(...vector.keys);
      const [newId, oldId] = ring.keyIds;
      const opened = [vector.old.token, vector.encrypted.token, vector.rotated].map((token) => {
        const { secret, keyId, createdAt } = ring.decrypt(token);
        return { plaintext: secret.reveal(), keyId, seconds: createdAt.getTime() / 1000 };
      });
      expect(opened).toEqual([
        { plaintext: vector.old.plaintext, keyId: oldId, seconds: vector.old.now },
        { plaintext: vector.encrypted.plaintext, keyId: newId, seconds: vector.now },
        { plaintext: vector.old.plaintext, keyId: newId, seconds: vector.old.now },
      ]);
    },
  );

  it.each(python.rings)('$name: rotates a token as MultiFernet does, to the byte', (vector) => {
    const { secret, createdAt } = ringOf(...vector.keys).decrypt(vector.old.token);
    const active = parseEncryptionKey(vector.keys[0] ?? '');
    const options = { now: createdAt, iv: Buffer.from(vector.iv, 'hex') };
    expect(encryptFernet(active, secret.reveal(), options)).toBe(vector.rotated);
  });

  it('keeps the timestamp of a token that is encrypted anew, when told to', () => {
    const ring = ringOf(newKey());
    const createdAt = new Date('2020-02-29T12:00:00Z');
    const token = ring.encrypt(new Secret(standIn), { now: createdAt });
    expect(ring.decrypt(token).createdAt).toEqual(createdAt);
  });
});

describe('a ring that is refused', () => {
  it('names every faulty key by its position, all at once', () => {
    const good = newKey();
    const zeros = Buffer.alloc(32).toString('base64');
    const error = thrownBy(() => ringOf('short', good, '', zeros, good));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toHaveProperty(
      'message',
      'The encryption key ring is not usable: ' +
        'key 1 of 5: it has 5 characters, and a Fernet key has 44; ' +
        'key 3 of 5: it is empty; ' +
        'key 4 of 5: it is all zeros; ' +
        'key 5 of 5: it is key 2 once more. ' +
        'Make a good one with: keyward encryption-key generate',
    );
  });

  it('speaks of no position where there is one key', () => {
    const message = 'The encryption key ring is not usable: it is empty. ';
    expect(() => KeyRing.parse(new Secret(''))).toThrow(message);
  });

  it('holds a key twice, in whatever spelling', () => {
    const bytes = Buffer.concat([Buffer.from([0xfb, 0xff]), randomBytes(30)]);
    const standard = bytes.toString('base64');
    const urlSafe = standard.replaceAll('+', '-').replaceAll('/', '_');
    expect(() => ringOf(urlSafe, standard)).toThrow('key 2 of 2: it is key 1 once more');
  });

  it('ends in a comma', () => {
    expect(() => ringOf(newKey(), '')).toThrow('key 2 of 2: it is empty');
  });
});

describe('nothing secret shows', () => {
  const keys = [newKey(), newKey()];
  const traces = (text: string) =>
    [...keys, standIn].flatMap((secret) => {
      const bytes = Buffer.from(secret, 'base64');
      return [secret, bytes.toString('hex'), bytes.toString('base64')].filter((form) =>
        text.includes(form.slice(0, 8)),
      );
    });

  it('when a ring is inspected, logged or serialised', () => {
    const ring = ringOf(...keys);
    expect(everyWay(ring).flatMap(traces)).toEqual([]);
    expect(JSON.parse(JSON.stringify(ring))).toEqual({ activeKeyId: ring.activeKeyId, keyIds: ring.keyIds });
  });

  it('in what decrypt returns, or throws', () => {
    const ring = ringOf(...keys);
    const token = ring.encrypt(new Secret(standIn));
    expect(everyWay(ring.decrypt(token)).flatMap(traces)).toEqual([]);
    const failure = thrownBy(() => ringOf(newKey()).decrypt(token));
    expect(failure).toBeInstanceOf(DecryptError);
    expect(everyWay(failure).flatMap(traces)).toEqual([]);
    expect(everyWay(failure).join()).not.toContain(token.slice(0, 20));
  });

  it('in why a ring was refused', () => {
    const failure = thrownBy(() => ringOf(...keys, ...keys, `"${keys.join()}"`));
    expect(everyWay(failure).flatMap(traces)).toEqual([]);
  });
});

describe('a ring that changes', () => {
  const [older, newer] = [generateEncryptionKey(), generateEncryptionKey()];
  const both = KeyRing.parse(new Secret(`${newer.reveal()},${older.reveal()}`));
  const longAgo = new Date('2024-02-29T12:00:00Z');

  it('is another for everybody who holds it', () => {
    const held = KeyRing.parse(older);
    held.become(both);
    expect(held.keyIds).toEqual(both.keyIds);
    expect(
      KeyRing.parse(newer)
        .decrypt(held.encrypt(new Secret('text')))
        .secret.reveal(),
    ).toBe('text');
  });

  it('encrypts anew under the active key, keeps the date, and leaves alone what is under it already', () => {
    const token = KeyRing.parse(older).encrypt(new Secret('text'), { now: longAgo });
    const anew = both.reencrypt(token);
    expect(anew.keyId).toBe(KeyRing.parse(older).activeKeyId);
    const { secret, createdAt } = KeyRing.parse(newer).decrypt(anew.token);
    expect([secret.reveal(), createdAt]).toEqual(['text', longAgo]);
    expect(both.reencrypt(anew.token)).toEqual({ token: anew.token, keyId: both.activeKeyId });
    expect(() => both.reencrypt(KeyRing.parse(generateEncryptionKey()).encrypt(new Secret('text')))).toThrow(
      DecryptError,
    );
    expect(() => both.reencrypt(token.slice(0, 60))).toThrow(DecryptError);
  });

  it('makes a canary that only the key of that id opens', () => {
    const [, olderId = ''] = both.keyIds;
    expect(KeyRing.parse(older).keyIdFor(both.canary(olderId))).toBe(olderId);
    expect(KeyRing.parse(newer).keyIdFor(both.canary(olderId))).toBeUndefined();
  });

  it('makes a canary that holds nothing, and none for a key that it has not got', () => {
    const { secret, keyId } = both.decrypt(both.canary(both.activeKeyId));
    expect([secret.reveal(), keyId]).toEqual(['keyward canary', both.activeKeyId]);
    expect(() => both.canary('00000000')).toThrow(RangeError);
    expect(() => KeyRing.parse(newer).canary(idOf(older.reveal()))).toThrow(RangeError);
  });

  it('opens nothing more of a key that went, and verifies its bindings no more', () => {
    const held = ringOf(newer.reveal(), older.reveal());
    const token = KeyRing.parse(older).encrypt(new Secret('text'));
    const place = { slug: 'groq', host: 'api.groq.com:443' };
    const binding = KeyRing.parse(older).bind(new Secret('text'), place);
    expect([held.keyIdFor(token), held.verifyBinding(binding, new Secret('text'), place)]).toEqual([
      idOf(older.reveal()),
      'good',
    ]);
    held.become(KeyRing.parse(newer));
    expect(held.keyIdFor(token)).toBeUndefined();
    expect(held.verifyBinding(binding, new Secret('text'), place)).toBe('unknown_key');
    expect(held.holds(older)).toBe(false);
  });

  it('does not follow the ring whose keys it took', () => {
    const [held, other] = [KeyRing.parse(older), KeyRing.parse(newer)];
    held.become(other);
    other.become(both);
    expect(held.keyIds).toEqual([idOf(newer.reveal())]);
  });

  it('shows no key after that either', () => {
    const held = KeyRing.parse(older);
    held.become(both);
    const shown = everyWay(held).join('\n');
    for (const key of [older, newer]) {
      const bytes = Buffer.from(key.reveal(), 'base64');
      for (const form of [key.reveal(), bytes.toString('hex'), bytes.toString('base64')])
        expect(shown).not.toContain(form.slice(0, 8));
    }
  });
});

describe('a token that is encrypted anew', () => {
  const [oldKey, newKeyText] = [newKey(), newKey()];
  const ring = ringOf(newKeyText, oldKey);

  it('holds the same text under the same timestamp, whatever they are (property)', () => {
    const seconds = fc.integer({ min: 0, max: 8_640_000_000_000 });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), seconds, (text, second) => {
        const now = new Date(second * 1_000);
        const { token } = ring.reencrypt(ringOf(oldKey).encrypt(new Secret(text), { now }));
        const { secret, createdAt } = ringOf(newKeyText).decrypt(token);
        expect([secret.reveal(), createdAt]).toEqual([text, now]);
        expect(ringOf(oldKey).keyIdFor(token)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it('is another one each time, as its IV is', () => {
    const token = ringOf(oldKey).encrypt(new Secret(standIn));
    expect(ring.reencrypt(token).token).not.toBe(ring.reencrypt(token).token);
  });

  it('says which of several keys it was under', () => {
    const oldest = newKey();
    const ofThree = ringOf(newKeyText, oldKey, oldest);
    for (const key of [newKeyText, oldKey, oldest])
      expect(ofThree.reencrypt(ringOf(key).encrypt(new Secret(standIn))).keyId).toBe(idOf(key));
  });

  it.each(python.rings)('$name: may have come from Python, and opens as MultiFernet leaves it', (vector) => {
    const active = ringOf(vector.keys[0] ?? '');
    const { token, keyId } = ringOf(...vector.keys).reencrypt(vector.old.token);
    expect(keyId).toBe(idOf(vector.keys[1] ?? ''));
    const [ours, theirs] = [token, vector.rotated].map((one) => active.decrypt(one));
    expect(ours?.secret.reveal()).toBe(vector.old.plaintext);
    expect(ours?.createdAt).toEqual(theirs?.createdAt);
    // Python's own token under the active key is left to the byte.
    expect(ringOf(...vector.keys).reencrypt(vector.encrypted.token).token).toBe(vector.encrypted.token);
  });

  it('under the active key stays as it is, in whatever spelling', () => {
    const token = ringOf(newKeyText).encrypt(new Secret(standIn));
    const respelt = `${token.replaceAll('-', '+').replaceAll('_', '/')}\n`;
    expect(ring.reencrypt(respelt)).toEqual({ token: respelt, keyId: ring.activeKeyId });
  });

  it('keeps bytes that are no text', () => {
    const { key, token } = python.notText;
    const anew = ringOf(newKeyText, key).reencrypt(token).token;
    // It is authentic, and holds no more of a text than it did.
    expect(thrownBy(() => ringOf(newKeyText).decrypt(anew))).toMatchObject({ reason: 'not_text' });
  });

  it('must be one that the ring opens, and a refusal shows nothing of it', () => {
    const good = ringOf(oldKey).encrypt(new Secret(standIn));
    const foreign = ringOf(newKey()).encrypt(new Secret(standIn));
    const altered = `${good.slice(0, 40)}${good[40] === 'A' ? 'B' : 'A'}${good.slice(41)}`;
    const refused = { foreign, altered, cut: good.slice(0, 60), empty: '', words: 'no token' };
    const failures = Object.values(refused).map((token) => thrownBy(() => ring.reencrypt(token)));
    for (const failure of failures) expect(failure).toBeInstanceOf(DecryptError);
    expect(failures.map((failure) => (failure as DecryptError).reason)).toEqual([
      'wrong_key',
      'wrong_key',
      'malformed',
      'malformed',
      'malformed',
    ]);
    const shown = failures.flatMap(everyWay).join('\n');
    for (const text of [standIn, good.slice(0, 20), foreign.slice(0, 20), oldKey.slice(0, 8)])
      expect(shown).not.toContain(text);
  });
});
