/**
 * What keys were ever bound to: from the audit trail, which the database refuses to alter, and from the rows
 * as they stand. So a key does not get free because its binding was wiped out, or left behind when it was
 * copied; the management credentials among them. Nothing here can be forged: an entry counts only for the key
 * that its MAC was made over.
 */
import type { Kysely } from 'kysely';
import { bindingsOf } from '../audit/last-bindings.ts';
import { readEventsSince, type PastEvent } from '../audit/events-since.ts';
import type { KeyPlace } from '../crypto/key-binding.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import { knownProviders } from '../providers/registry.ts';
import type { Secret } from '../foundation/secret.ts';
import { readManagementBindings, type StoredCredential } from './management-credentials.ts';
import type { ProviderRow } from './provider-store.ts';
import { managementPlace, placeOf } from './stored-key-place.ts';

interface MadeBinding {
  readonly place: KeyPlace;
  readonly binding: string;
  /** In the trail; what stands in a row counts as the last of all. */
  readonly sequence: number;
}

/** One for each process, and for all that reads or changes keys in it. */
export class KnownBindings {
  #fromTrail: MadeBinding[] = [];
  #fromRows: readonly MadeBinding[] = [];
  #credentials: readonly StoredCredential[] = [];
  /** Where rows led before they were changed past Keyward, which bound nothing there. */
  #formerPlaces: KeyPlace[] = [];
  #readThrough = 0;
  /** By the keys of the ring, which may change, then by fingerprint. */
  #found = new Map<string, Map<string, Found>>();

  /**
   * Learns what came since the last call, in the transaction in which the rows were read.
   * @param rows all of them, the inactive ones too
   * @param read what a stored token holds; undefined where it cannot be read
   */
  async refresh(
    db: Kysely<Tables>,
    rows: readonly ProviderRow[],
    ring: KeyRing,
    read: (token: string) => Secret | undefined = (token) => decrypted(token, ring),
  ): Promise<void> {
    const ofKeys = rows.flatMap((row) =>
      row.api_key_binding === null ? [] : [{ place: placeOf(row), binding: row.api_key_binding }],
    );
    this.#credentials = await readManagementBindings(db);
    this.#fromRows = [...ofKeys, ...this.#credentials].map((made) => ({ ...made, sequence: Infinity }));
    // The trail is long, and asked only for keys that no binding holds where they are.
    if (!rows.some((row) => isLoose(row, ring, read))) return;
    const { events, through, isAnother } = await readEventsSince(db, this.#readThrough, [
      'provider.key_set',
      'provider.key_reencrypted',
      'provider.changed',
      'database.changed',
      'rotation.started',
      'rotation.promoted',
      'rotation.rolled_back',
      'management.changed',
      'audit.retention',
    ]);
    if (isAnother) this.#forget();
    // Two readings at once may both bring an event; it counts once, by its sequence.
    for (const event of events) {
      this.#fromTrail.push(...readRecorded(event), ...readCredential(event));
      this.#formerPlaces.push(...readFormerPlace(event));
    }
    this.#readThrough = Math.max(this.#readThrough, through);
  }

  /** Where this key was bound last, by provider. */
  placesOf(key: Secret, ring: KeyRing): ReadonlyMap<string, KeyPlace> {
    const found = this.#foundBefore(key, ring);
    for (; found.through < this.#fromTrail.length; found.through += 1) {
      const made = this.#fromTrail[found.through];
      if (made !== undefined && isOf(made, key, ring)) found.made.push(made);
    }
    const made = [...found.made, ...this.#fromRows.filter((one) => isOf(one, key, ring))];
    return new Map(made.toSorted((a, b) => a.sequence - b.sequence).map(({ place }) => [place.slug, place]));
  }

  /** The management whose credential is stored now and is this very key, whatever the key is bound to. */
  credentialOf(key: Secret, ring: KeyRing): KeyPlace | undefined {
    const isKey = ({ place, binding, fingerprint }: StoredCredential): boolean =>
      key.fingerprint === fingerprint || ring.verifyBinding(binding, key, place) === 'good';
    return this.#credentials.find(isKey)?.place;
  }

  /**
   * Where a key of this provider may have been bound: everywhere that trail, rows and the list of providers
   * know of, and at each of these hosts. A key itself is not asked for: a binding is tried at each.
   */
  placesToTry(slug: string): KeyPlace[] {
    const places = [
      ...this.#formerPlaces,
      ...[...this.#fromTrail, ...this.#fromRows].map(({ place }) => place),
      ...knownProviders.map((entry) => placeOf({ provider_slug: entry.slug, base_url: null })),
    ];
    const here = [...new Set(['', ...places.map(({ host }) => host)])].map((host) => ({ slug, host }));
    return [...here, ...new Map(places.map((place) => [`${place.slug} ${place.host}`, place])).values()];
  }

  /** The place for which this very binding was recorded, for whatever key. */
  placeRecordedWith(binding: string): KeyPlace | undefined {
    return this.#fromTrail.findLast((made) => made.binding === binding)?.place;
  }

  #forget(): void {
    this.#fromTrail = [];
    this.#formerPlaces = [];
    this.#readThrough = 0;
    this.#found = new Map();
  }

  #foundBefore(key: Secret, ring: KeyRing): Found {
    const keys = ring.keyIds.join();
    const ofRing = this.#found.get(keys) ?? new Map<string, Found>();
    this.#found.set(keys, ofRing);
    const name = key.fingerprint;
    const found = (name === undefined ? undefined : ofRing.get(name)) ?? { through: 0, made: [] };
    if (name !== undefined) ofRing.set(name, found);
    return found;
  }
}

interface Found {
  /** How many bindings of the trail were tried. */
  through: number;
  readonly made: MadeBinding[];
}

/** The key has no binding, or one that was not made for it where it stands. */
function isLoose(row: ProviderRow, ring: KeyRing, read: (token: string) => Secret | undefined): boolean {
  const { encrypted_api_key: token, api_key_binding: binding } = row;
  if (token === null || binding === null) return token !== null;
  const key = read(token);
  // Nobody will ask what a key that cannot be read is bound to.
  return key !== undefined && ring.verifyBinding(binding, key, placeOf(row)) !== 'good';
}

function decrypted(token: string, ring: KeyRing): Secret | undefined {
  try {
    return ring.decrypt(token).secret;
  } catch {
    return undefined;
  }
}

function isOf({ place, binding }: MadeBinding, key: Secret, ring: KeyRing): boolean {
  return ring.verifyBinding(binding, key, place) === 'good';
}

/** The fields of an event's `after` by which this file reads a binding back. */
export function recordedBinding(
  { host }: KeyPlace,
  binding: string,
): { readonly bound_to_host: string; readonly binding: string } {
  return { bound_to_host: host, binding: inHex(binding) };
}

/** The same of a management credential: by other names, since it says nothing of the keys of the provider. */
export function recordedCredential(
  { host }: KeyPlace,
  binding: string,
): { readonly credential_host: string; readonly credential_binding: string } {
  return { credential_host: host, credential_binding: inHex(binding) };
}

function readCredential({ sequence, target, after }: PastEvent): MadeBinding[] {
  const { credential_host: host, credential_binding: binding } = after ?? {};
  if (typeof host !== 'string' || typeof binding !== 'string') return [];
  const { slug } = managementPlace(target.id, null);
  return [{ place: { slug, host }, binding: fromHex(binding), sequence }];
}

function readRecorded({ sequence, target, after }: PastEvent): MadeBinding[] {
  if (target.kind === 'audit_trail') {
    return Object.entries(bindingsOf(after)).map(([slug, past]) => ({
      place: { slug, host: past.bound_to_host },
      binding: fromHex(past.binding),
      sequence: past.sequence,
    }));
  }
  const { bound_to_host: host, binding } = after ?? {};
  if (typeof host !== 'string' || typeof binding !== 'string') return [];
  return [{ place: { slug: target.id, host }, binding: fromHex(binding), sequence }];
}

/** Of a provider whose address or name was changed by SQL. */
function readFormerPlace({ target, before }: PastEvent): KeyPlace[] {
  if (target.kind !== 'provider' || before === null) return [];
  const { base_url: baseUrl, provider_slug: name } = before;
  if (baseUrl === undefined && name === undefined) return [];
  const slug = typeof name === 'string' ? name : target.id;
  return [placeOf({ provider_slug: slug, base_url: typeof baseUrl === 'string' ? baseUrl : null })];
}

/** In base64 a MAC can look like a key, and what looks like one may be taken out of a record. */
function inHex(binding: string): string {
  return recode(binding, 'base64url', 'hex');
}

function fromHex(recorded: string): string {
  return recode(recorded, 'hex', 'base64url');
}

function recode(text: string, from: 'base64url' | 'hex', to: 'base64url' | 'hex'): string {
  const [version = '', id = '', mac = ''] = text.split('.');
  return [version, id, Buffer.from(mac, from).toString(to)].join('.');
}
