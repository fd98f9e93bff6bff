/** Explanations of keys: they say what a server would do, and show nothing that is secret or only assumed. */
import { describe, expect, it } from 'vitest';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { Fingerprinter } from '../../src/crypto/fingerprint.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { describeStoredKey, explainUnder, serveHere, servingKeyOf } from '../../src/keys/explain-key.ts';
import { KnownBindings } from '../../src/keys/known-bindings.ts';
import type { ProviderRow } from '../../src/keys/provider-store.ts';

const stored = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
const exported = ['sk', 'or', 'v1', 'e4e4'.repeat(16)].join('-');
const ring = KeyRing.parse(generateEncryptionKey());
const changes = {
  ring,
  fingerprinter: new Fingerprinter(Buffer.alloc(32, 7)),
  bindings: new KnownBindings(),
};

function rowWith(columns: Partial<ProviderRow>): ProviderRow {
  const usual: Partial<ProviderRow> = {
    provider_slug: 'openrouter',
    display_name: 'OpenRouter',
    base_url: null,
    is_active: true,
    encrypted_api_key: null,
    api_key_binding: null,
    allow_private_network: false,
    request_headers: null,
    api_key_source: 'hybrid',
    api_key_updated_at: null,
    api_key_last_tested: null,
    api_key_test_status: null,
  };
  return { ...usual, ...columns } as ProviderRow;
}

const parts = { changes, config: loadConfig({ OPENROUTER_API_KEY: exported }) };

describe('a stored key', () => {
  it('is shown by its mask and its fingerprint', () => {
    const shown = describeStoredKey(rowWith({ encrypted_api_key: ring.encrypt(new Secret(stored)) }), parts);
    expect(shown).toEqual({
      mask: `sk-or-v…${stored.slice(-4)}`,
      fingerprint: changes.fingerprinter.of(new Secret(stored)),
      problem: null,
      binding: 'unbound',
    });
  });

  it('that cannot be read is a problem, and none is nothing', () => {
    const foreign = KeyRing.parse(generateEncryptionKey()).encrypt(new Secret(stored));
    expect(describeStoredKey(rowWith({ encrypted_api_key: foreign }), parts)).toMatchObject({
      mask: null,
      fingerprint: null,
      problem: expect.stringContaining('does not decrypt') as string,
    });
    expect(describeStoredKey(rowWith({ encrypted_api_key: '' }), parts)).toBeNull();
  });
});

describe('what if', () => {
  it('nothing were otherwise is what is served', () => {
    const row = rowWith({ encrypted_api_key: ring.encrypt(new Secret(stored)) });
    const { served, isAssumed } = explainUnder(row, parts, {});
    expect(isAssumed).toBe(false);
    expect(served).toEqual(serveHere(row, parts));
  });

  it('a key were stored where one is: it is that one, alive', () => {
    const row = rowWith({
      encrypted_api_key: ring.encrypt(new Secret(stored)),
      api_key_test_status: 'invalid',
    });
    const explained = explainUnder(row, parts, { storedKey: 'present' });
    expect(servingKeyOf(explained)).toMatchObject({
      source: 'database',
      fingerprint: changes.fingerprinter.of(new Secret(stored)),
    });
  });

  it('a key were stored where none is: it serves, and is shown by nothing', () => {
    const explained = explainUnder(rowWith({}), parts, { storedKey: 'present', source: 'database' });
    expect(explained.isAssumed).toBe(true);
    expect(servingKeyOf(explained)).toEqual({ source: 'database', fingerprint: null, mask: null });
  });

  it('the environment were empty: the configuration of the process stays as it is', () => {
    const explained = explainUnder(rowWith({}), parts, { environment: 'absent' });
    expect(explained.served.resolution).toMatchObject({
      key: null,
      reason: expect.stringContaining('is not set') as string,
    });
    expect(parts.config.provider('openrouter').apiKey?.reveal()).toBe(exported);
    expect(servingKeyOf(explainUnder(rowWith({}), parts, {}))).toMatchObject({ source: 'environment' });
  });
});
