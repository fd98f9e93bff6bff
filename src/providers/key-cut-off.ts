/** Dates after which a provider takes no keys of a kind any more, as its entry lists them. */

export interface KeyCutOff {
  /** How the keys begin that it is about; at most seven characters, which a mask shows. */
  readonly prefix: string;
  /** From when on they are refused, UTC; where only the month was named, its first moment. */
  readonly at: Date;
  /** How exactly the provider has said it. */
  readonly precision: 'day' | 'month';
  /** What happens then, as a sentence. */
  readonly message: string;
  readonly advice: string;
}

/** @param mask of the key, as maskKey gives it: no more of the key is needed */
export function cutOffOf(
  { cutOffs = [] }: { readonly cutOffs?: readonly KeyCutOff[] },
  mask: string,
): KeyCutOff | null {
  return cutOffs.find(({ prefix }) => mask.startsWith(prefix)) ?? null;
}
