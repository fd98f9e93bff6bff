/** A binding holds for one provider, one host and one key under one encryption key, and for nothing else. */
import { createHmac, hkdfSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import type { KeyPlace } from '../../src/crypto/key-binding.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';

const first = generateEncryptionKey();
const second = generateEncryptionKey();
const ringOf = (...keys: Secret[]): KeyRing =>
  KeyRing.parse(new Secret(keys.map((key) => key.reveal()).join(',')));
const ring = ringOf(first, second);

const key = new Secret(['planted', 'key', '4b1d'].join('-'));
const place: KeyPlace = { slug: 'groq', host: 'api.groq.com:443' };
const binding = ring.bind(key, place);

const replaced = (text: string, at: number, by: string): string =>
  text.slice(0, at) + by + text.slice(at + 1);

describe('a binding', () => {
  it('is v1, the id of the active key, and a MAC as HKDF-SHA256 and HMAC-SHA256 define it', () => {
    const derived = hkdfSync(
      'sha256',
      Buffer.from(first.reveal(), 'base64url'),
      '',
      'keyward key binding v1',
      32,
    );
    const mac = createHmac('sha256', Buffer.from(derived));
    for (const part of [place.slug, place.host, key.reveal()]) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(part));
      mac.update(length).update(part);
    }
    expect(binding).toBe(`v1.${ring.activeKeyId}.${mac.digest('base64url')}`);
  });

  it('holds for its provider, its host and its key', () => {
    expect(ring.verifyBinding(binding, key, place)).toBe('good');
  });

  it('does not care for white space around the key, which is taken off before it serves', () => {
    expect(ring.verifyBinding(binding, new Secret(`${key.reveal()}\n`), place)).toBe('good');
    expect(ring.bind(new Secret(` ${key.reveal()}`), place)).toBe(binding);
  });

  it.each([
    ['another provider', key, { ...place, slug: 'openai' }],
    ['another host', key, { ...place, host: 'api.groq.com.example:443' }],
    ['another port', key, { ...place, host: 'api.groq.com:8443' }],
    ['no host', key, { ...place, host: '' }],
    ['another key', new Secret(`${key.reveal()}x`), place],
    ['parts cut elsewhere', key, { slug: 'groqa', host: 'pi.groq.com:443' }],
  ])('does not hold for %s', (_what, otherKey, otherPlace) => {
    expect(ring.verifyBinding(binding, otherKey, otherPlace)).toBe('elsewhere');
  });

  it('is told apart by where one part ends and the next begins', () => {
    const part = fc.string({ maxLength: 6 });
    fc.assert(
      fc.property(part, part, part, part, (slug, host, otherSlug, otherHost) => {
        fc.pre(slug !== otherSlug || host !== otherHost);
        expect(ring.bind(key, { slug, host })).not.toBe(ring.bind(key, { slug: otherSlug, host: otherHost }));
      }),
    );
  });

  it('holds under every key of the ring, wherever it stands there', () => {
    expect(ringOf(second, first).verifyBinding(binding, key, place)).toBe('good');
  });

  it('made with a key that is not in the ring is told to be that', () => {
    expect(ringOf(second).verifyBinding(binding, key, place)).toBe('unknown_key');
  });

  it('that names another key of the ring does not hold', () => {
    const renamed = binding.replace(ring.activeKeyId, ring.keyIds[1] ?? '');
    expect(ring.verifyBinding(renamed, key, place)).toBe('elsewhere');
  });

  it('holds no more with any of its characters changed', () => {
    for (let at = 0; at < binding.length; at += 1) {
      const by = binding[at] === 'A' ? 'B' : 'A';
      expect(ring.verifyBinding(replaced(binding, at, by), key, place)).not.toBe('good');
    }
  });

  it.each([
    ['empty', ''],
    ['a word', 'parked'],
    ['cut', binding.slice(0, -1)],
    ['lengthened', `${binding}A`],
    ['followed by a line break', `${binding}\n`],
    ['of another version', binding.replace('v1', 'v2')],
    ['padded', `${binding}=`],
    ['with stray bits in its last character', stray(binding)],
  ])('that is %s is malformed', (_what, text) => {
    expect(ring.verifyBinding(text, key, place)).toBe('malformed');
  });

  it('shows nothing of the key', () => {
    expect(binding).not.toContain('4b1d');
    expect(binding).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{43}$/);
  });
});

/** 43 characters carry 258 bits, and a MAC has 256: another character may stand for the same bytes. */
function stray(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(text.at(-1) ?? '');
  return text.slice(0, -1) + alphabet.charAt(last + 1);
}
