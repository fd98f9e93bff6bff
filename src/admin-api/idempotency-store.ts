/**
 * The table keyward_idempotency_keys: which write a key was used for, and its answer once there is one. A
 * claim whose process died is taken over when no request can be that old any more.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** How long an answer is kept. */
const keptMs = 24 * 60 * 60 * 1_000;
/** No request takes longer: an older one that is still in progress died with its process. */
const longestRequestMs = 120_000;

export interface Claim {
  readonly actor: string;
  readonly key: string;
  /** Keyed hash of the request, 64 hex digits. */
  readonly requestHash: string;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'answered'; readonly status: number; readonly answer: string }
  | { readonly kind: 'in_progress'; readonly retryAfterSeconds: number }
  | { readonly kind: 'mismatch' };

/** Of any number of requests with the same key one claims it. */
export async function claimKey(db: Kysely<Tables>, claim: Claim, now: Date): Promise<ClaimOutcome> {
  await db
    .deleteFrom('keyward_idempotency_keys')
    .where('created_at', '<', new Date(now.getTime() - keptMs))
    .execute();
  const { actor, key, requestHash } = claim;
  const inserted = await db
    .insertInto('keyward_idempotency_keys')
    .values({ actor, key, request_hash: requestHash, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning('key')
    .executeTakeFirst();
  if (inserted !== undefined) return { kind: 'claimed' };
  const first = await rowsOf(db, claim).selectAll().executeTakeFirst();
  // The first one failed and let go between the two statements.
  if (first === undefined) return { kind: 'in_progress', retryAfterSeconds: 1 };
  if (first.request_hash !== requestHash) return { kind: 'mismatch' };
  if (first.status !== null && first.answer !== null) {
    return { kind: 'answered', status: first.status, answer: first.answer };
  }
  const ageMs = now.getTime() - first.created_at.getTime();
  if (ageMs > longestRequestMs && (await takeOver(db, claim, first.created_at, now)))
    return { kind: 'claimed' };
  return { kind: 'in_progress', retryAfterSeconds: 1 };
}

export async function keepAnswer(
  db: Kysely<Tables>,
  claim: Claim,
  { status, answer }: { status: number; answer: string },
): Promise<void> {
  await db
    .updateTable('keyward_idempotency_keys')
    .set({ status, answer })
    .where('actor', '=', claim.actor)
    .where('key', '=', claim.key)
    .where('request_hash', '=', claim.requestHash)
    .execute();
}

/** Lets a repeated request be done anew: this one changed nothing. */
export async function releaseKey(db: Kysely<Tables>, claim: Claim): Promise<void> {
  await db
    .deleteFrom('keyward_idempotency_keys')
    .where('actor', '=', claim.actor)
    .where('key', '=', claim.key)
    .where('request_hash', '=', claim.requestHash)
    .where('status', 'is', null)
    .execute();
}

/** Of several that find the same dead claim one gets it. */
async function takeOver(db: Kysely<Tables>, claim: Claim, createdAt: Date, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('keyward_idempotency_keys')
    .set({ created_at: now })
    .where('actor', '=', claim.actor)
    .where('key', '=', claim.key)
    .where('status', 'is', null)
    .where('created_at', '=', createdAt)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

function rowsOf(db: Kysely<Tables>, { actor, key }: Claim) {
  return db.selectFrom('keyward_idempotency_keys').where('actor', '=', actor).where('key', '=', key);
}
