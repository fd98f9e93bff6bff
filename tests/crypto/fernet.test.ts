/** Fernet as the spec and Python's cryptography have it: what they make opens, what they refuse does not. */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecryptError, decryptFernet, encryptFernet, fernetKeyFromBytes } from '../../src/crypto/fernet.ts';
import python from './python-fernet-vectors.json' with { type: 'json' };
import spec from './fernet-spec-vectors.json' with { type: 'json' };

const keyFrom = (text: string) => fernetKeyFromBytes(Buffer.from(text, 'base64'));
const randomKey = () => fernetKeyFromBytes(randomBytes(32));
const standIn = ['sk', 'test', 'x'.repeat(43)].join('-');

/** What opening the token comes to: its plaintext, or the reason why not. */
function outcome(key: ReturnType<typeof randomKey>, token: string): string {
  try {
    return `opens: ${decryptFernet(key, token).plaintext}`;
  } catch (error) {
    return error instanceof DecryptError ? error.reason : `threw ${String(error)}`;
  }
}

describe('the vectors of the spec', () => {
  it.each(spec.generate)('generate: $src becomes the same token', ({ token, now, iv, src, secret }) => {
    expect(encryptFernet(keyFrom(secret), src, { now: new Date(now), iv: Buffer.from(iv) })).toBe(token);
  });

  it.each(spec.verify)('verify: the token opens as $src', ({ token, src, secret }) => {
    const opened = decryptFernet(keyFrom(secret), token);
    expect(opened).toEqual({ plaintext: src, createdAt: new Date('1985-10-26T01:20:00-07:00') });
  });

  const reasons: Record<string, string> = {
    'incorrect mac': 'wrong_key',
    'too short': 'malformed',
    'invalid base64': 'malformed',
    'payload size not multiple of block size': 'malformed',
    'payload padding error': 'bad_padding',
    'incorrect IV (causes padding error)': 'bad_padding',
    'trailing characters after b64 padding': 'malformed',
    'invalid characters in b64': 'malformed',
    'invalid non-urlsafe characters in b64': 'malformed',
  };
  const timely = spec.invalid.filter(({ desc }) => desc in reasons);
  const untimely = spec.invalid.filter(({ desc }) => !(desc in reasons));

  it.each(timely)('invalid: $desc is refused for that reason', ({ desc, token, secret }) => {
    expect(outcome(keyFrom(secret), token)).toBe(reasons[desc]);
  });

  it('invalid: the two that only their age rules out open, since stored keys do not expire, and createdAt tells', () => {
    const lifetimes = untimely.map(({ desc, token, now, ttl_sec: ttlS, secret }) => {
      const ageS = (Date.parse(now) - decryptFernet(keyFrom(secret), token).createdAt.getTime()) / 1000;
      return { desc, expired: ageS > ttlS, fromTheFuture: ageS < -60 };
    });
    expect(lifetimes).toEqual([
      { desc: 'far-future TS (unacceptable clock skew)', expired: false, fromTheFuture: true },
      { desc: 'expired TTL', expired: true, fromTheFuture: false },
    ]);
  });
});

describe('the vectors of Python', () => {
  it.each(python.tokens)('$name: the same bytes with the same IV and time', (vector) => {
    const options = { now: new Date(vector.now * 1000), iv: Buffer.from(vector.iv, 'hex') };
    expect(encryptFernet(keyFrom(vector.key), vector.plaintext, options)).toBe(vector.token);
  });

  it.each(python.tokens)('$name: opens', ({ key, token, plaintext, now }) => {
    expect(decryptFernet(keyFrom(key), token)).toEqual({ plaintext, createdAt: new Date(now * 1000) });
  });

  const strictlyRefused = [
    'with a character that is not base64',
    'with text after the padding',
    'with stray bits in its last character',
  ];

  it.each(python.spellings)('a token $name opens if Python opens it, unless it holds junk', (vector) => {
    const opens = vector.opens && !strictlyRefused.includes(vector.name);
    expect(outcome(keyFrom(vector.key), vector.token).startsWith('opens')).toBe(opens);
  });

  it('has spellings that differ and that Python takes, junk included', () => {
    const taken = python.spellings.filter(({ opens }) => opens);
    expect(taken.map(({ name }) => name)).toEqual(expect.arrayContaining(strictlyRefused));
    expect(new Set(taken.map(({ token }) => token)).size).toBe(taken.length);
  });
});

describe('encryptFernet', () => {
  it('makes a token of 164 characters of a key of 51', () => {
    expect(standIn).toHaveLength(51);
    expect(encryptFernet(randomKey(), standIn)).toHaveLength(164);
  });

  it('takes a fresh IV each time and the present for its timestamp, cut to the second', () => {
    const key = randomKey();
    const before = Math.floor(Date.now() / 1000) * 1000;
    const [one, other] = [encryptFernet(key, standIn), encryptFernet(key, standIn)];
    expect(one).not.toBe(other);
    const createdAtMs = decryptFernet(key, one).createdAt.getTime();
    expect(createdAtMs % 1000).toBe(0);
    expect(createdAtMs).toBeGreaterThanOrEqual(before);
    expect(createdAtMs).toBeLessThanOrEqual(Date.now());
  });

  it('refuses text that UTF-8 would not give back', () => {
    expect(() => encryptFernet(randomKey(), 'half a \ud83d')).toThrow(TypeError);
  });

  it('refuses a time that a token cannot hold', () => {
    expect(() => encryptFernet(randomKey(), 'x', { now: new Date(-1000) })).toThrow(RangeError);
    expect(() => encryptFernet(randomKey(), 'x', { now: new Date(NaN) })).toThrow(RangeError);
  });

  it('gives back any text and time (property)', () => {
    const key = randomKey();
    const time = fc.date({ min: new Date(0), noInvalidDate: true });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), time, (plaintext, now) => {
        const createdAt = new Date(Math.floor(now.getTime() / 1000) * 1000);
        expect(decryptFernet(key, encryptFernet(key, plaintext, { now }))).toEqual({ plaintext, createdAt });
      }),
    );
  });
});

describe('decryptFernet', () => {
  it('refuses a token with any one byte changed (property)', () => {
    const key = randomKey();
    fc.assert(
      fc.property(
        fc.string({ maxLength: 80 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (text, at, change) => {
          const bytes = Buffer.from(encryptFernet(key, text), 'base64');
          const place = at % bytes.length;
          bytes.writeUInt8(bytes.readUInt8(place) ^ change, place);
          const reason = outcome(key, bytes.toString('base64'));
          expect(reason).toBe(place === 0 ? 'malformed' : 'wrong_key');
        },
      ),
    );
  });

  it('refuses a token with any one character changed', () => {
    const key = randomKey();
    const iv = Buffer.from([0xfb, 0xff, 0xbf, ...randomBytes(13)]);
    const token = encryptFernet(key, standIn, { iv });
    expect(token.match(/[-_]/g)?.length).toBeGreaterThan(1);
    const others = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const opened = Array.from(token).flatMap((character, place) =>
      others
        .filter((other) => other !== character)
        .map((other) => token.slice(0, place) + other + token.slice(place + 1))
        .filter((altered) => outcome(key, altered).startsWith('opens')),
    );
    expect(opened).toEqual([]);
  });

  it('calls a token that was cut malformed where that shows, and never opens it', () => {
    const key = randomKey();
    const bytes = Buffer.from(encryptFernet(key, standIn), 'base64');
    const reasons = Array.from(bytes.keys(), (length) =>
      outcome(key, bytes.subarray(0, length).toString('base64')),
    );
    const wholeBlocks = new Set([73, 89, 105]);
    expect(reasons).toEqual(
      reasons.map((_, length) => (wholeBlocks.has(length) ? 'wrong_key' : 'malformed')),
    );
  });

  it('refuses a token of another key (property)', () => {
    fc.assert(
      fc.property(fc.string(), (plaintext) => {
        expect(outcome(randomKey(), encryptFernet(randomKey(), plaintext))).toBe('wrong_key');
      }),
    );
  });

  it('refuses what is no token at all, a bare API key included, as malformed (property)', () => {
    const key = randomKey();
    expect(outcome(key, standIn)).toBe('malformed');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(outcome(key, text)).toBe('malformed');
      }),
    );
  });

  it('checks the HMAC before it decrypts: bad padding under a wrong HMAC is a wrong key', () => {
    const vector = spec.invalid.find(({ desc }) => desc === 'payload padding error');
    const token = vector?.token ?? '';
    expect(outcome(keyFrom(vector?.secret ?? ''), token)).toBe('bad_padding');
    expect(outcome(randomKey(), token)).toBe('wrong_key');
  });

  it('tells authentic bytes that are not text from a wrong key', () => {
    expect(outcome(keyFrom(python.notText.key), python.notText.token)).toBe('not_text');
  });

  it('opens a token from beyond the last Date, as Python does', () => {
    const { createdAt, plaintext } = decryptFernet(keyFrom(python.lastSecond.key), python.lastSecond.token);
    expect(plaintext).toBe(python.lastSecond.plaintext);
    expect(createdAt).toEqual(new Date(8.64e15));
  });

  it('never shows token, plaintext or key in what it throws', () => {
    const token = encryptFernet(randomKey(), standIn);
    const failures = [token, token.slice(4), standIn].map((text) => {
      try {
        return decryptFernet(randomKey(), text);
      } catch (error) {
        return error;
      }
    });
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(DecryptError);
      const shown = inspect(failure, { depth: Infinity, showHidden: true });
      expect(shown).not.toContain(token.slice(8, 40));
      expect(shown).not.toContain(standIn.slice(0, 12));
    }
  });
});

describe('fernetKeyFromBytes', () => {
  it('takes 32 bytes and nothing else', () => {
    expect(() => fernetKeyFromBytes(randomBytes(31))).toThrow(RangeError);
    expect(() => fernetKeyFromBytes(randomBytes(33))).toThrow(RangeError);
  });

  it('shows nothing of the key when inspected or serialised', () => {
    const bytes = randomBytes(32);
    const key = fernetKeyFromBytes(bytes);
    const shown = inspect(key, { depth: Infinity, showHidden: true }) + JSON.stringify(key);
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(shown).not.toContain(bytes.toString(encoding).slice(0, 8));
    }
    expect(shown).toContain(key.id);
  });
});
