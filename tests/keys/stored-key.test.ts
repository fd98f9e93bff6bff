/** A stored key serves the provider and the host that it is bound to; what is bound elsewhere is parked and says where. */
import { describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { Fingerprinter } from '../../src/crypto/fingerprint.ts';
import type { KeyPlace } from '../../src/crypto/key-binding.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { KnownBindings } from '../../src/keys/known-bindings.ts';
import type { ProviderRow } from '../../src/keys/provider-store.ts';
import { placeOf } from '../../src/keys/stored-key-place.ts';
import { judgeStoredKey, parkedForGood, usableKey, type StoredKey } from '../../src/keys/stored-key.ts';

const encryptionKey = generateEncryptionKey();
const ring = KeyRing.parse(encryptionKey);
const fingerprinter = new Fingerprinter(Buffer.alloc(32, 7));
const key = new Secret(['planted', 'key', '5c1e'].join('-'));
const otherKey = new Secret(['planted', 'other', '5c1e'].join('-'));

function row(slug: string, over: Partial<ProviderRow> = {}): ProviderRow {
  return {
    id: 1,
    provider_slug: slug,
    display_name: slug,
    base_url: null,
    is_active: true,
    encrypted_api_key: ring.encrypt(key),
    api_key_source: 'database',
    api_key_updated_at: null,
    api_key_last_tested: null,
    api_key_test_status: 'untested',
    api_key_binding: null,
    allow_private_network: false,
    is_byok_supported: true,
    request_headers: null,
    ...over,
  };
}

const bindingOf = (slug: string, host: string, bound = key): string => ring.bind(bound, { slug, host });
const groq = 'api.groq.com:443';

/** Where a key was bound before, beside what stands in the row. */
type Known = readonly (readonly [bound: Secret, place: KeyPlace])[];

function judge(
  one: ProviderRow,
  keyBinding: 'warn' | 'require' = 'warn',
  { known = [], keyRing = ring }: { known?: Known; keyRing?: KeyRing } = {},
): StoredKey {
  const bindings = {
    placesOf: (asked: Secret) =>
      new Map(
        known.filter(([bound]) => bound.reveal() === asked.reveal()).map(([, place]) => [place.slug, place]),
      ),
    placesToTry: () => [],
    credentialOf: () => undefined,
    placeRecordedWith: (binding: string) =>
      known.find(([bound, place]) => keyRing.bind(bound, place) === binding)?.[1],
  };
  const judged = judgeStoredKey(one, { keyRing, fingerprinter, bindings, config: { keyBinding } });
  if (judged === null) throw new Error('no key is stored');
  return judged;
}

const parked = (said: RegExp | string) => ({
  binding: 'parked',
  candidate: {
    parked: true,
    problem: expect.stringMatching(said) as string,
  },
});

const groqPlace = { slug: 'groq', host: groq };

describe.each(['warn', 'require'] as const)('under KEY_BINDING=%s', (mode) => {
  it('a key that is bound to its provider and its host serves', () => {
    const stored = judge(row('groq', { api_key_binding: bindingOf('groq', groq) }), mode);
    expect(stored.binding).toBe('bound');
    expect('key' in stored.candidate && stored.candidate.key.reveal()).toBe(key.reveal());
    expect(stored.candidate).not.toHaveProperty('remark');
  });

  it('another path, and another spelling of the host, are the same host', () => {
    const api_key_binding = bindingOf('groq', groq);
    for (const base_url of ['https://API.GROQ.COM/other', 'https://api.groq.com:443', '  '])
      expect(judge(row('groq', { api_key_binding, base_url }), mode).binding).toBe('bound');
  });

  it.each([
    ['another host', { base_url: 'https://groq.example/v1' }],
    ['another port', { base_url: 'https://api.groq.com:8443/v1' }],
    ['the host without TLS', { base_url: 'http://api.groq.com/v1' }],
    ['no URL at all', { base_url: 'nonsense' }],
  ])('with a base_url that names %s it is parked and says where it belongs', (_what, over) => {
    expect(judge(row('groq', { api_key_binding: bindingOf('groq', groq), ...over }), mode)).toMatchObject(
      parked(
        /^the stored key is bound to groq at api\.groq\.com:443 and stays parked until it is entered again/,
      ),
    );
  });

  it('a copy in another row, with its binding, is parked and says whose it is', () => {
    const stored = judge(row('openai', { api_key_binding: bindingOf('groq', groq) }), mode, {
      known: [[key, groqPlace]],
    });
    expect(stored).toMatchObject(parked(/^the stored key is bound to groq at api\.groq\.com:443 and/));
  });

  it('the same key, entered for several providers, serves all', () => {
    for (const slug of ['groq', 'openai']) {
      const api_key_binding = ring.bind(key, placeOf(row(slug)));
      const known = [[key, groqPlace]] as const;
      expect(judge(row(slug, { api_key_binding }), mode, { known }).binding).toBe('bound');
    }
  });

  it.each([
    ['for another key', bindingOf('groq', groq, otherKey), /has a binding for no place that is known here/],
    ['for a place that nobody knows', bindingOf('x', 'x:1'), /leads where it led when the key was entered$/],
    ['that is cut', bindingOf('groq', groq).slice(0, -3), /has a binding that cannot be read/],
    ['that is empty', '', /has a binding that cannot be read/],
    ['that was parked for good', parkedForGood, /was not bound when the host of base_url was changed/],
    [
      'under an encryption key of somebody else',
      KeyRing.parse(generateEncryptionKey()).bind(key, groqPlace),
      /has a binding under an encryption key that is not in the ring/,
    ],
  ])('a binding %s parks the key', (_what, api_key_binding, said) => {
    expect(judge(row('groq', { api_key_binding }), mode)).toMatchObject(parked(said));
  });

  it('what it says of a parked key holds no key', () => {
    const stored = judge(row('groq', { api_key_binding: 'x' }), mode);
    expect(stored.binding).toBe('parked');
    expect(JSON.stringify(stored)).not.toContain('5c1e');
  });

  it('a token that does not decrypt is unreadable, whatever its binding', () => {
    for (const api_key_binding of [null, 'x', bindingOf('groq', groq)]) {
      const stored = judge(row('groq', { encrypted_api_key: 'gAAAAArubbish', api_key_binding }), mode);
      expect(stored).toMatchObject({
        binding: null,
        key: undefined,
        candidate: { problem: expect.stringContaining('does not decrypt') as string },
      });
      expect(stored.candidate).not.toHaveProperty('parked');
    }
  });

  it('a key that another program stored in the clear is told as such, and not shown', () => {
    const inTheClear = ['gsk', '5c1e'.repeat(13)].join('_');
    const stored = judge(row('groq', { encrypted_api_key: inTheClear, api_key_binding: null }), mode);
    expect(stored).toMatchObject({
      key: undefined,
      candidate: { problem: expect.stringMatching(/^it is no encrypted key: .* make a new one/) as string },
    });
    expect(JSON.stringify(stored)).not.toContain(inTheClear);
  });
});

describe('a key without a binding', () => {
  it('that never had one serves under warn, with a remark that names the command', () => {
    expect(judge(row('groq'))).toMatchObject({
      binding: 'unbound',
      candidate: { remark: 'the key is not bound to groq at api.groq.com:443 (keyward keys bind groq)' },
    });
    expect(judge(row('groq'), 'warn', { known: [[otherKey, { slug: 'xai', host: 'x:1' }]] }).binding).toBe(
      'unbound',
    );
  });

  it('that was bound to this provider and this host is the same key, written anew by another program', () => {
    const known = [
      [key, { slug: 'xai', host: 'x:1' }],
      [key, groqPlace],
    ] as const;
    expect(judge(row('groq'), 'warn', { known }).binding).toBe('unbound');
  });

  it('that was bound to another provider was copied, and is parked', () => {
    expect(judge(row('openai'), 'warn', { known: [[key, groqPlace]] })).toMatchObject(
      parked(/^the stored key was bound to groq at api\.groq\.com:443 and stays parked until it is entered/),
    );
  });

  it('that was bound to another host had its binding wiped out, and is parked', () => {
    const stored = judge(row('groq', { base_url: 'https://groq.example/v1' }), 'warn', {
      known: [
        [key, { slug: 'xai', host: 'x:1' }],
        [key, groqPlace],
      ],
    });
    expect(stored).toMatchObject(parked(/^the stored key was bound to groq at api\.groq\.com:443 and/));
  });

  it('does not serve under require, and the problem says both ways out', () => {
    expect(judge(row('groq'), 'require')).toMatchObject({
      binding: 'unbound',
      candidate: {
        parked: true,
        problem: expect.stringMatching(/keyward keys set groq.*keyward keys bind groq/) as string,
      },
    });
  });

  it('of a provider without any address is bound to the provider alone', () => {
    expect(placeOf(row('in-house'))).toEqual({ slug: 'in-house', host: '' });
    const api_key_binding = bindingOf('in-house', '');
    expect(judge(row('in-house', { api_key_binding })).binding).toBe('bound');
    const later = judge(row('in-house', { api_key_binding, base_url: 'https://later.example' }), 'warn', {
      known: [[key, { slug: 'in-house', host: '' }]],
    });
    expect(later).toMatchObject(parked(/bound to in-house without an address and stays parked/));
  });
});

it('where nothing is stored there is nothing to judge', () => {
  for (const encrypted_api_key of [null, '']) {
    const parts = { keyRing: ring, fingerprinter, bindings: new KnownBindings() };
    const config = { keyBinding: 'warn' } as const;
    expect(judgeStoredKey(row('groq', { encrypted_api_key }), { ...parts, config })).toBeNull();
  }
});

it('a binding holds under a key of the ring that no longer encrypts', () => {
  const keyRing = KeyRing.parse(new Secret(`${generateEncryptionKey().reveal()},${encryptionKey.reveal()}`));
  const bound = row('groq', { api_key_binding: bindingOf('groq', groq) });
  expect(judge(bound, 'require', { keyRing }).binding).toBe('bound');
});

it.each(['"', "'"])('a key in quotation marks (%s) is told as such instead of sent', (mark) => {
  expect(usableKey(new Secret(mark + key.reveal() + mark), fingerprinter)).toEqual({
    problem: expect.stringContaining('quotation marks') as string,
  });
  expect(usableKey(key, fingerprinter)).not.toHaveProperty('problem');
});
