/** The binding of a stored key, made anew under the active encryption key where it is good. */
import type { KeyPlace } from '../../crypto/key-binding.ts';
import type { KeyRing } from '../../crypto/key-ring.ts';
import type { EncryptedColumn } from '../../database/encrypted-columns.ts';
import { managementPlace, placeOf } from '../stored-key-place.ts';

export interface BoundRow {
  readonly token: string;
  readonly binding: string | null;
  /** Of the provider that the row belongs to; null where it is gone, and where the column has no bindings. */
  readonly slug: string | null;
  readonly base_url: string | null;
}

/**
 * A binding that is not good here stays as it is: its key is parked, and stays parked.
 * @throws DecryptError
 */
export function rebind(
  ring: KeyRing,
  bindings: EncryptedColumn['binding'],
  { token, binding, slug, base_url: baseUrl }: BoundRow,
): string | null {
  if (bindings === undefined || binding === null || slug === null) return binding;
  const place: KeyPlace =
    bindings.of === 'management'
      ? managementPlace(slug, baseUrl)
      : placeOf({ provider_slug: slug, base_url: baseUrl });
  const key = ring.decrypt(token).secret;
  return ring.verifyBinding(binding, key, place) === 'good' ? ring.bind(key, place) : binding;
}
