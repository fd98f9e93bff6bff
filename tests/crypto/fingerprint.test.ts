/** What may be shown of a secret: fingerprints that only this installation can make, masks that tell little. */
import { createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsHint, Fingerprinter, maskKey } from '../../src/crypto/fingerprint.ts';
import { Secret } from '../../src/foundation/secret.ts';

const standIn = ['sk', 'test', '0123456789abcdefghijklmnopqrstuvwxyz'].join('-');

describe('a fingerprint', () => {
  it('is fp_ and the first 12 hex digits of HMAC-SHA256 under the installation key', () => {
    const key = randomBytes(32);
    const digest = createHmac('sha256', key).update(standIn).digest('hex');
    expect(new Fingerprinter(key).of(new Secret(standIn))).toBe(`fp_${digest.slice(0, 12)}`);
  });

  it('is the same for the same secret, and another for another secret or installation (property)', () => {
    const key = randomBytes(32);
    const [here, hereAgain] = [new Fingerprinter(key), new Fingerprinter(key)];
    const elsewhere = new Fingerprinter(randomBytes(32));
    fc.assert(
      fc.property(fc.string(), (text) => {
        const secret = new Secret(text);
        expect(here.of(secret)).toMatch(/^fp_[0-9a-f]{12}$/);
        expect(hereAgain.of(secret)).toBe(here.of(secret));
        expect(elsewhere.of(secret)).not.toBe(here.of(secret));
        expect(here.of(new Secret(`${text}x`))).not.toBe(here.of(secret));
      }),
    );
  });

  it('is what a sealed secret prints as; its value stays', () => {
    const fingerprinter = new Fingerprinter(randomBytes(32));
    const sealed = fingerprinter.seal(new Secret(standIn));
    expect(String(sealed)).toBe(`[secret ${fingerprinter.of(sealed)}]`);
    expect(sealed.reveal()).toBe(standIn);
  });

  it('is not made under a key that could be guessed', () => {
    expect(() => new Fingerprinter(randomBytes(31))).toThrow(RangeError);
  });

  it('does not show the installation key', () => {
    const key = randomBytes(32);
    const fingerprinter = new Fingerprinter(key);
    const shown =
      inspect(fingerprinter, { depth: Infinity, showHidden: true }) + JSON.stringify(fingerprinter);
    expect(shown).not.toContain(key.toString('hex').slice(0, 8));
    expect(shown).not.toContain(key.toString('base64').slice(0, 8));
  });
});

describe('a digest', () => {
  const fingerprinter = new Fingerprinter(Buffer.alloc(32, 7));

  it('is 64 hex digits that depend on the text and on the installation, and say nothing of either', () => {
    const digest = fingerprinter.digestOf(standIn);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprinter.digestOf(standIn)).toBe(digest);
    expect(fingerprinter.digestOf(`${standIn} `)).not.toBe(digest);
    expect(new Fingerprinter(Buffer.alloc(32, 8)).digestOf(standIn)).not.toBe(digest);
  });

  it('is never the longer form of a fingerprint', () => {
    const fingerprint = fingerprinter.of(new Secret(standIn)).slice(3);
    expect(fingerprinter.digestOf(standIn).startsWith(fingerprint)).toBe(false);
  });
});

describe('a mask', () => {
  const masks: Record<string, string> = {
    [standIn]: 'sk-test…wxyz',
    '01234567890123456789': '0123456…6789',
    '0123456789012345678': '…5678',
    '01234567': '…67',
    '0123': '…3',
    '012': '…',
    '': '…',
  };

  it.each(Object.entries(masks))('of "%s" is %s', (text, mask) => {
    expect(maskKey(new Secret(text))).toBe(mask);
  });

  it('shows a quarter of a short text at most, and never more than eleven characters (property)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const length = Array.from(text).length;
        const shown = Array.from(maskKey(new Secret(text))).length - 1;
        expect(shown).toBeLessThanOrEqual(length < 20 ? length / 4 : 11);
      }),
    );
  });
});

describe('a hint', () => {
  it.each([
    [`${standIn.slice(0, 12)}...${standIn.slice(-4)}`, true],
    [`${standIn.slice(0, 12)}…${standIn.slice(-4)}`, true],
    [`sk...${standIn.slice(-4)}`, true],
    [`${standIn.slice(0, 12)}...zzzz`, false],
    [`no${standIn.slice(2, 12)}...${standIn.slice(-4)}`, false],
    // Next to nothing, and nothing at all.
    [`sk...${standIn.slice(-2)}`, false],
    [`...${standIn.slice(-4)}`, false],
    [`${standIn.slice(0, 12)}...`, false],
    [standIn, false],
    ['', false],
    // Beginning and end would overlap.
    [`${standIn}...${standIn.slice(-4)}`, false],
  ])('%s fits the key it was made from, and no other: %s', (hint, fits) => {
    expect(fitsHint(new Secret(standIn), hint)).toBe(fits);
  });
});
