/**
 * A stored key, held against its binding: it serves only the provider and the host that it was bound to. What
 * was bound to something else is parked; what never had a binding is a matter of KEY_BINDING.
 */
import type { Fingerprinter } from '../crypto/fingerprint.ts';
import type { KeyPlace } from '../crypto/key-binding.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Config } from '../foundation/config.ts';
import { Secret } from '../foundation/secret.ts';
import type { KnownBindings } from './known-bindings.ts';
import { whyNoKey } from './management-credentials.ts';
import type { ProviderRow } from './provider-store.ts';
import type { UnusableKey, UsableKey } from './resolve-key.ts';
import { describePlace, isManagementPlace, placeOf } from './stored-key-place.ts';

/** `bound`: to this provider and this host. `unbound`: to nothing, stored by a program that writes no binding. */
export type KeyBinding = 'bound' | 'unbound' | 'parked';

export interface StoredKey {
  /** What resolution makes of it. */
  readonly candidate: UsableKey | UnusableKey;
  /** To recognise it by, parked or not; undefined where it cannot be read. */
  readonly key: Secret | undefined;
  /** Null where it cannot be read. */
  readonly binding: KeyBinding | null;
}

export interface StoredKeyParts {
  readonly keyRing: KeyRing;
  readonly fingerprinter: Fingerprinter;
  readonly config: Pick<Config, 'keyBinding'>;
  /** Refreshed after the row was read, or with it. */
  readonly bindings: Pick<KnownBindings, 'placesOf' | 'placesToTry' | 'placeRecordedWith' | 'credentialOf'>;
  /** Where tokens were read already; readStoredKey where absent. */
  readonly read?: KeyReader;
}

export type KeyReader = (token: string) => UsableKey | UnusableKey;

/**
 * Stands in api_key_binding where a key that had no binding, and did not serve, must not serve anywhere until
 * it is entered again. It is no binding of any version, so it parks the key like a forged one.
 */
export const parkedForGood = 'parked';

/** Version 0x80, and a time before the year 3058, in base64. */
const fernetBeginning = /^\s*gAAAA/;
const noToken =
  'it is no encrypted key: if another program stored it in the clear, make a new one at the provider and enter that';

/** What the stored Fernet token holds, or why it cannot be used; empty text counts as a broken key, not as none. */
export function readStoredKey(
  token: string,
  keyRing: KeyRing,
  fingerprinter: Fingerprinter,
): UsableKey | UnusableKey {
  try {
    return usableKey(new Secret(keyRing.decrypt(token).secret.reveal().trim()), fingerprinter);
  } catch {
    if (!fernetBeginning.test(token)) return { problem: noToken };
    return { problem: `it does not decrypt with any key of the ring (${keyRing.keyIds.join(', ')})` };
  }
}

/** As readStoredKey, each token once: for a task that comes back to the same keys. */
export function rememberingReader(keyRing: KeyRing, fingerprinter: Fingerprinter): KeyReader {
  const known = new Map<string, UsableKey | UnusableKey>();
  return (token) => {
    const read = known.get(token) ?? readStoredKey(token, keyRing, fingerprinter);
    known.set(token, read);
    return read;
  };
}

/** A header can carry printable ASCII only: anything else was stored by mistake. */
export function usableKey(key: Secret, fingerprinter: Fingerprinter): UsableKey | UnusableKey {
  const text = key.reveal();
  if (!/^[\x21-\x7e]+$/.test(text)) return { problem: 'it holds characters that no key has' };
  // As the env files of containers hand them over, which a shell would not.
  if (/^["'`]|["'`]$/.test(text)) return { problem: 'it stands in quotation marks, which must be left out' };
  return { key: fingerprinter.seal(key) };
}

/** What the key of this row is good for; null where none is stored. */
export function judgeStoredKey(row: ProviderRow, parts: StoredKeyParts): StoredKey | null {
  const { encrypted_api_key: token, api_key_binding: binding } = row;
  if (!token) return null;
  const candidate = parts.read?.(token) ?? readStoredKey(token, parts.keyRing, parts.fingerprinter);
  if ('problem' in candidate) return { candidate, key: undefined, binding: null };
  const { key } = candidate;
  const place = placeOf(row);
  // A good binding says whose key it is, and not what it can do.
  const management = parts.bindings.credentialOf(key, parts.keyRing);
  if (management !== undefined) return parked(key, place, whyNoKey(management));
  if (binding === null) return judgeUnbound(key, place, parts);
  const verdict = parts.keyRing.verifyBinding(binding, key, place);
  if (verdict === 'good') return { candidate, key, binding: 'bound' };
  if (binding === parkedForGood) {
    return parked(key, place, 'was not bound when the host of base_url was changed');
  }
  if (verdict === 'malformed') return parked(key, place, 'has a binding that cannot be read');
  if (verdict === 'unknown_key')
    return parked(key, place, 'has a binding under an encryption key that is not in the ring');
  const { because, orUntil } = whyItDoesNotFit(row, binding, key, parts);
  return parked(key, place, because, orUntil);
}

function judgeUnbound(key: Secret, place: KeyPlace, parts: StoredKeyParts): StoredKey {
  const { keyRing, config, bindings } = parts;
  const places = bindings.placesOf(key, keyRing);
  const management = Array.from(places.values()).find((known) => isManagementPlace(known));
  if (management !== undefined) return parked(key, place, whyNoKey(management));
  if (config.keyBinding === 'require') {
    const problem = `the stored key is not bound to ${describePlace(place)}, and KEY_BINDING=require asks for it: enter it again (keyward keys set ${place.slug}), or bind the one that is there (keyward keys bind ${place.slug})`;
    return { candidate: { problem, parked: true }, key, binding: 'unbound' };
  }
  const here = places.get(place.slug);
  const [elsewhere] = here === undefined ? places.values() : [here];
  // Bound here before: another program has written the same key anew.
  if (elsewhere !== undefined && here?.host !== place.host)
    return parked(key, place, `was bound to ${describePlace(elsewhere)}`);
  const remark = `the key is not bound to ${describePlace(place)} (keyward keys bind ${place.slug})`;
  return { candidate: { key, remark }, key, binding: 'unbound' };
}

function parked(key: Secret, { slug }: KeyPlace, because: string, orUntil = ''): StoredKey {
  const problem = `the stored key ${because} and stays parked until it is entered again (keyward keys set ${slug})${orUntil}`;
  return { candidate: { problem, parked: true }, key, binding: 'parked' };
}

/** The binding itself says nothing but yes or no, so likely places are tried. */
function whyItDoesNotFit(
  row: ProviderRow,
  binding: string,
  key: Secret,
  { keyRing, bindings }: StoredKeyParts,
): { because: string; orUntil?: string } {
  const fits = (place: KeyPlace): boolean => keyRing.verifyBinding(binding, key, place) === 'good';
  const likely = [placeOf({ ...row, base_url: null }), ...bindings.placesOf(key, keyRing).values()];
  const before = likely.find(fits) ?? bindings.placesToTry(row.provider_slug).find(fits);
  if (before !== undefined) return { because: `is bound to ${describePlace(before)}` };
  const ofAnother = bindings.placeRecordedWith(binding);
  if (ofAnother !== undefined)
    return { because: `has the binding of another key, one of ${describePlace(ofAnother)},` };
  return {
    because: `has a binding for no place that is known here (by the audit trail, the rows of the providers, or Keyward itself): its address or the key was changed past Keyward, or the binding is forged. It does not serve`,
    orUntil: ', or until base_url leads where it led when the key was entered',
  };
}
