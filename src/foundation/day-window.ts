/** A span of the day in UTC, in minutes after midnight, which goes over midnight where it ends before it begins. */
import { KeywardError } from './errors.ts';

/**
 * Refuses one that ends when it begins: nobody would guess whether it is the whole day or none of it.
 * @param param the field that it came in
 * @param words what is wrong with it, and what to do instead, as a sentence
 * @throws KeywardError field_invalid (400)
 */
export function refuseEmptyWindow(
  window: { readonly from: number; readonly to: number } | null | undefined,
  param: string,
  words: string,
): void {
  if (window === null || window === undefined || window.from !== window.to) return;
  throw new KeywardError('field_invalid', { param, message: `${words} Nothing was changed.` });
}
