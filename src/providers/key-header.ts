/** The one place in this room where a key becomes part of a request. */
import type { Secret } from '../foundation/secret.ts';
import type { KeyHeader } from './provider-entry.ts';

/** The header, as name and value, that carries the key. The value is as secret as the key. */
export function carryKey(header: KeyHeader, key: Secret): readonly [name: string, value: string] {
  return [header.name, header.prefix + key.reveal()];
}
