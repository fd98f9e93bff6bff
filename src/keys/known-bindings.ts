/**
 * What keys were ever bound to: from the audit trail, which the database refuses to alter, and from the rows
 * as they stand. So a key does not get free because its binding was wiped out, or left behind when it was
 * copied. Nothing here can be forged: an entry counts only for the key that its MAC was made over.
 */
import type { Kysely } from 'kysely';
import { readEventsSince, type PastEvent } from '../audit/events-since.ts';
import type { KeyPlace } from '../crypto/key-binding.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Secret } from '../foundation/secret.ts';
import type { ProviderRow } from './provider-store.ts';
import { placeOf } from './stored-key-place.ts';

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
  #readThrough = 0;
  #found = new WeakMap<KeyRing, Map<string, Found>>();

  /**
   * Learns what came since the last call, in the transaction in which the rows were read.
   * @param rows all of them, the inactive ones too
   */
  async refresh(db: Kysely<Tables>, rows: readonly ProviderRow[]): Promise<void> {
    this.#fromRows = rows.flatMap((row) =>
      row.api_key_binding === null
        ? []
        : [{ place: placeOf(row), binding: row.api_key_binding, sequence: Infinity }],
    );
    // The trail is long, and asked only for keys without a binding.
    const isAsked = rows.some(
      ({ encrypted_api_key: token, api_key_binding: binding }) => token !== null && binding === null,
    );
    if (!isAsked) return;
    const { events, through, isAnother } = await readEventsSince(db, this.#readThrough, [
      'provider.key_set',
      'provider.changed',
    ]);
    if (isAnother) this.#forget();
    // Two readings at once may both bring an event; it counts once, by its sequence.
    for (const event of events) this.#fromTrail.push(...readRecorded(event));
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

  #forget(): void {
    this.#fromTrail = [];
    this.#readThrough = 0;
    this.#found = new WeakMap();
  }

  #foundBefore(key: Secret, ring: KeyRing): Found {
    const ofRing = this.#found.get(ring) ?? new Map<string, Found>();
    this.#found.set(ring, ofRing);
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

function readRecorded({ sequence, target, after }: PastEvent): MadeBinding[] {
  const { bound_to_host: host, binding } = after ?? {};
  if (typeof host !== 'string' || typeof binding !== 'string') return [];
  return [{ place: { slug: target.id, host }, binding: fromHex(binding), sequence }];
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
