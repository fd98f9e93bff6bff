/** What is known of one answered request when it is over. No body, no header and no key is in it. */
import type { CountedTokens } from './count-tokens.ts';

export interface UsageRecord {
  readonly requestId: string;
  /** When the request came. */
  readonly at: Date;
  /** keyward_tokens.id of the caller; 0 for a token of the environment, or none. */
  readonly tokenId: number;
  /** Whose token it is; its name where it is nobody's. */
  readonly userId: string;
  /** Slug of the provider. */
  readonly provider: string;
  /** As the provider knows it; empty where the request names none. */
  readonly model: string;
  /** As chat/completions, of a closed set. */
  readonly endpoint: string;
  readonly keyFingerprint: string;
  /** The key was the caller's own. */
  readonly usedOwnKey: boolean;
  /** What the caller got; 499 where it left. */
  readonly status: number;
  /** A code of the catalogue; null where the answer is the provider's. */
  readonly errorCode: string | null;
  /** As in the header x-keyward-fallback. */
  readonly fallback: string | null;
  readonly attempts: number;
  /** The caller's header traceparent, as it came. */
  readonly traceParent: string | null;
  readonly latencyMs: number;
  /** Null where no byte of an answer came. */
  readonly timeToFirstTokenMs: number | null;
  /** Null where the answer says nothing of tokens, and nothing can be said of them. */
  readonly tokens: CountedTokens | null;
}

/** What counts as an error: an answer with 400 or above, and one that broke off. */
export function isError({ status, errorCode }: Pick<UsageRecord, 'status' | 'errorCode'>): boolean {
  return status >= 400 || errorCode !== null;
}

/** Whoever is told of each; returns at once. */
export interface UsageSink {
  record(record: UsageRecord): void;
}
