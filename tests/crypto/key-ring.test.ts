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
