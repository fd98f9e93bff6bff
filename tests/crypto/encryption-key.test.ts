/** Reading encryption keys: what is taken, what is refused, and that a refusal helps and shows nothing. */
import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EncryptionKeyError,
  generateEncryptionKey,
  parseEncryptionKey,
} from '../../src/crypto/encryption-key.ts';
import { decryptFernet, encryptFernet, fernetKeyFromBytes } from '../../src/crypto/fernet.ts';
import { UsageError } from '../../src/foundation/errors.ts';
import python from './python-fernet-vectors.json' with { type: 'json' };
import spec from './fernet-spec-vectors.json' with { type: 'json' };

const base64 = (bytes: Buffer) => bytes.toString('base64');
const randomText = () => generateEncryptionKey().reveal();

function refusal(text: string): EncryptionKeyError {
  try {
    parseEncryptionKey(text);
  } catch (error) {
    if (error instanceof EncryptionKeyError) {
      return error;
    }
    throw error;
  }
  throw new Error('the key was taken');
}

describe('a key that is taken', () => {
  it('is any that Python made', () => {
    for (const { key, token, plaintext } of python.tokens) {
      expect(decryptFernet(parseEncryptionKey(key), token).plaintext).toBe(plaintext);
    }
  });

  it('is the same key with white space around it, in the standard alphabet, or with stray last bits', () => {
    const bytes = Buffer.concat([Buffer.from([0xfb, 0xff, 0xbf]), randomBytes(28), Buffer.from([0])]);
    const standard = base64(bytes);
    const urlSafe = standard.replaceAll('+', '-').replaceAll('/', '_');
    expect(urlSafe).not.toBe(standard);
    const stray = urlSafe.slice(0, -2) + String.fromCharCode(urlSafe.charCodeAt(42) + 1) + '=';
    const { id } = fernetKeyFromBytes(bytes);
    const spellings = [urlSafe, standard, `${urlSafe}\n`, `  ${urlSafe}\r\n`, stray];
    expect(spellings.map((text) => parseEncryptionKey(text).id)).toEqual(spellings.map(() => id));
  });

  it('has an id that stays the same from release to release', () => {
    const bytes = createHash('sha256').update('a key for this test only').digest();
    expect(parseEncryptionKey(base64(bytes)).id).toBe('f799e06a');
  });

  it('is any of 32 random bytes (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (some) => {
        const bytes = Buffer.concat([randomBytes(8), some]);
        expect(parseEncryptionKey(base64(bytes)).id).toBe(fernetKeyFromBytes(bytes).id);
      }),
    );
  });
});

describe('a key that is refused says why', () => {
  const key = randomText();
  const hexadecimal = randomBytes(32).toString('hex');
  const faults: Record<string, [text: string, fault: string]> = {
    nothing: ['', 'it is empty'],
    'white space': [' \n', 'it is empty'],
    'too short': [key.slice(0, 30), 'it has 30 characters, and a Fernet key has 44'],
    'too long': [`AB${key}`, 'it has 46 characters, and a Fernet key has 44'],
    'without padding': [
      key.slice(0, 43),
      'it has 43 characters, and a Fernet key has 44: the "=" at its end is missing',
    ],
    'of 33 bytes': [base64(randomBytes(33)), 'it must hold one "=", at its end'],
    'of 31 bytes': [base64(randomBytes(31)), 'it must hold one "=", at its end'],
    'with a foreign character': [
      `${key.slice(0, 9)}!${key.slice(10)}`,
      'the character at position 10 is not of the URL-safe base64 alphabet (A-Z a-z 0-9 - _)',
    ],
    'with a space inside': [
      `${key.slice(0, 9)} ${key.slice(9)}`,
      'the character at position 10 is not of the URL-safe base64 alphabet (A-Z a-z 0-9 - _)',
    ],
    'with an emoji': [
      '🔑🔑',
      'the character at position 1 is not of the URL-safe base64 alphabet (A-Z a-z 0-9 - _)',
    ],
    'with a NUL': [
      `${key.slice(0, 4)}\0${key.slice(4)}`,
      'it holds a NUL at position 5, as text saved as UTF-16 does',
    ],
    'in double quotes': [`"${key}"`, 'quotes were left in: write the key without them'],
    'in single quotes': [`'${key}'`, 'quotes were left in: write the key without them'],
    'in curly quotes': [`“${key}”`, 'quotes were left in: write the key without them'],
    'with one quote': [`${key}"`, 'quotes were left in: write the key without them'],
    'as Python prints it': [
      `b'${key}'`,
      "it is dressed as Python prints bytes, b'...': write only what is between the quotes",
    ],
    'with its name': [`BYOK_ENCRYPTION_KEY=${key}`, 'it begins with a name and "=": write only the value'],
    'as an export': [
      `export BYOK_ENCRYPTION_KEY=${key}`,
      'it begins with a name and "=": write only the value',
    ],
    'a list': [`${key},${randomText()}`, 'it holds a comma, and one key was expected, not a list'],
    'two keys on two lines': [
      `${key}\n${randomText()}`,
      'the character at position 45 is not of the URL-safe base64 alphabet (A-Z a-z 0-9 - _)',
    ],
    hexadecimal: [hexadecimal, 'it is hexadecimal, and a Fernet key is 44 characters of base64'],
    'a token': [
      encryptFernet(fernetKeyFromBytes(randomBytes(32)), 'x'),
      'it is a Fernet token, something encrypted, and not a key',
    ],
  };

  it.each(Object.entries(faults))('%s', (_, [text, fault]) => {
    expect(refusal(text).fault).toBe(fault);
  });

  it('in one line that ends with the command that makes a good one', () => {
    expect(refusal('').message).toBe(
      'The encryption key is not usable: it is empty. Make a good one with: keyward encryption-key generate',
    );
    expect(refusal('')).toBeInstanceOf(UsageError);
  });

  it.each(Object.entries(faults))('%s: and shows nothing of it', (_, [text]) => {
    const shown = inspect(refusal(text), { depth: Infinity, showHidden: true });
    for (const secret of [key, hexadecimal]) {
      for (let start = 0; start + 6 <= secret.length; start += 1) {
        expect(shown).not.toContain(secret.slice(start, start + 6));
      }
    }
  });
});

describe('a key that others know is refused', () => {
  const ascending = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  const patterns: Record<string, Buffer> = {
    'one byte over and over': Buffer.alloc(32, 0x5a),
    'bytes that ascend': ascending,
    'bytes that descend': Buffer.from(ascending.toReversed()),
    'bytes that go up by sevens': Buffer.from(ascending.map((byte) => byte * 7)),
    'a word over and over': Buffer.alloc(32, 'secret'),
    '16 bytes twice': Buffer.alloc(32, '0123456789abcdef'),
    'a first half of zeros': Buffer.concat([Buffer.alloc(16), randomBytes(16)]),
    'a second half of zeros': Buffer.concat([randomBytes(16), Buffer.alloc(16)]),
  };

  it('all zeros', () => {
    expect(refusal(base64(Buffer.alloc(32))).fault).toBe('it is all zeros');
  });

  it.each(Object.entries(patterns))('%s', (_, bytes) => {
    expect(refusal(base64(bytes)).fault).toBe('its bytes follow a pattern that anyone can guess');
  });

  it('the key of the Fernet spec', () => {
    const published = spec.generate.map(({ secret }) => secret).join();
    expect(refusal(published).fault).toBe('it stands in public documentation, so everybody has it');
  });
});

describe('a generated key', () => {
  it('is 44 URL-safe characters, taken, new each time, and a Secret', () => {
    const keys = Array.from({ length: 200 }, generateEncryptionKey);
    const texts = keys.map((key) => key.reveal());
    expect(new Set(texts).size).toBe(keys.length);
    expect(texts.filter((text) => !/^[\w-]{43}=$/.test(text))).toEqual([]);
    expect(texts.map((text) => parseEncryptionKey(text).id)).toHaveLength(keys.length);
    expect(keys.map(String)).toEqual(keys.map(() => '[secret]'));
  });
});
