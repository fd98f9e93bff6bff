/**
 * What a provider tells of a key besides that it lives. Everything is null where the provider does not say;
 * amounts are in US dollars, and nothing here decides about the key.
 */

export interface KeyFacts {
  /** How much the key may spend; null also where it has no limit. */
  readonly limitUsd: number | null;
  /** After what the limit begins anew, in the provider's word: `monthly`. */
  readonly limitReset: string | null;
  /** What is left of the limit, or of the balance of the account; may be below zero. */
  readonly remainingUsd: number | null;
  /** Spent since the key was made. */
  readonly usageUsd: number | null;
  readonly expiresAt: Date | null;
  /** What the key is called at the provider; without a name of its own, how it begins and ends. */
  readonly name: string | null;
  /** Whose key it is: a name or an identifier. */
  readonly organisation: string | null;
  /** What it may call, in the provider's words. */
  readonly permissions: readonly string[] | null;
}

export const noFacts: KeyFacts = {
  limitUsd: null,
  limitReset: null,
  remainingUsd: null,
  usageUsd: null,
  expiresAt: null,
  name: null,
  organisation: null,
  permissions: null,
};

export interface KeyFactsJson {
  readonly limit_usd: number | null;
  readonly limit_reset: string | null;
  readonly remaining_usd: number | null;
  readonly usage_usd: number | null;
  /** RFC 3339, in UTC. */
  readonly expires_at: string | null;
  readonly key_name: string | null;
  readonly organisation: string | null;
  readonly permissions: readonly string[] | null;
}

/** The facts under the names that programs get them by. */
export function keyFactsJson(facts: KeyFacts): KeyFactsJson {
  return {
    limit_usd: facts.limitUsd,
    limit_reset: facts.limitReset,
    remaining_usd: facts.remainingUsd,
    usage_usd: facts.usageUsd,
    expires_at: facts.expiresAt?.toISOString() ?? null,
    key_name: facts.name,
    organisation: facts.organisation,
    permissions: facts.permissions,
  };
}
