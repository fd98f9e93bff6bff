/** The table keyward_token_limits: whose a gateway token is, and what it may use. A token without limits has no row. */
import { numericIn } from '../database/numeric.ts';
import type { Kysely } from 'kysely';
import { writtenBy, type Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Tables } from '../database/tables.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { TokenLimits } from './authenticate.ts';

export const noLimits: TokenLimits = {
  owner: null,
  allowedProviders: null,
  allowedModels: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  dailyBudgetUsd: null,
  monthlyBudgetUsd: null,
};

/** Null takes a limit away; what is absent stays as it is. */
export type LimitChanges = { readonly [Limit in keyof TokenLimits]?: TokenLimits[Limit] | undefined };

interface LimitsRow {
  readonly owner: string | null;
  readonly allowed_providers: string[] | null;
  readonly allowed_models: string[] | null;
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
  /** A numeric, as text. */
  readonly daily_budget_usd: string | null;
  readonly monthly_budget_usd: string | null;
}

/** A row in the words of this code; of a token without a row every column is null. */
export function limitsOf(row: LimitsRow): TokenLimits {
  return {
    owner: row.owner,
    allowedProviders: row.allowed_providers,
    allowedModels: row.allowed_models,
    requestsPerMinute: row.requests_per_minute,
    tokensPerMinute: row.tokens_per_minute,
    dailyBudgetUsd: numericIn(row.daily_budget_usd),
    monthlyBudgetUsd: numericIn(row.monthly_budget_usd),
  };
}

export interface ShownLimits {
  readonly owner: string | null;
  readonly allowed_providers: string[] | null;
  readonly allowed_models: string[] | null;
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
  readonly daily_budget_usd: number | null;
  readonly monthly_budget_usd: number | null;
}

/** As answers, commands and events have it. */
export function showLimits(limits: TokenLimits): ShownLimits {
  return {
    owner: limits.owner,
    allowed_providers: limits.allowedProviders && [...limits.allowedProviders],
    allowed_models: limits.allowedModels && [...limits.allowedModels],
    requests_per_minute: limits.requestsPerMinute,
    tokens_per_minute: limits.tokensPerMinute,
    daily_budget_usd: limits.dailyBudgetUsd,
    monthly_budget_usd: limits.monthlyBudgetUsd,
  };
}

export function withChanges(limits: TokenLimits, changes: LimitChanges): TokenLimits {
  const said = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...limits, ...(Object.fromEntries(said) as Partial<TokenLimits>) };
}

export function isLimited(limits: TokenLimits): boolean {
  return Object.values(limits).some((limit) => limit !== null);
}

/** The event is the caller's to record. */
export async function writeLimits(
  tx: Kysely<Tables>,
  occasion: Occasion,
  tokenId: number,
  limits: TokenLimits,
): Promise<void> {
  await tx.deleteFrom('keyward_token_limits').where('token_id', '=', tokenId).execute();
  if (!isLimited(limits)) return;
  await tx
    .insertInto('keyward_token_limits')
    .values({ token_id: tokenId, ...showLimits(limits), changed_by: writtenBy(occasion) })
    .execute();
}

/**
 * Changes what a gateway token may use; one that is revoked may be changed too.
 * @throws KeywardError token_not_found (404), field_invalid (400) for a token of another kind
 */
export async function changeLimits(
  audit: AuditTrail,
  occasion: Occasion,
  tokenId: number,
  changes: LimitChanges,
): Promise<{ readonly limits: TokenLimits; readonly revision: number }> {
  const { value: limits, revision } = await audit.change(occasion, async (tx, record) => {
    const token = await tx
      .selectFrom('keyward_tokens')
      .select('kind')
      .where('id', '=', tokenId)
      .forUpdate()
      .executeTakeFirst();
    if (token === undefined) throw new KeywardError('token_not_found');
    if (token.kind !== 'gateway')
      throw new KeywardError('field_invalid', {
        message: 'Only gateway tokens have limits, and this is an admin token. Nothing was changed.',
      });
    const row = await tx
      .selectFrom('keyward_token_limits')
      .selectAll()
      .where('token_id', '=', tokenId)
      .executeTakeFirst();
    const before = row === undefined ? noLimits : limitsOf(row);
    const after = withChanges(before, changes);
    await writeLimits(tx, occasion, tokenId, after);
    record({
      action: 'token.limited',
      target: { kind: 'token', id: String(tokenId) },
      before: { ...showLimits(before) },
      after: { ...showLimits(after) },
    });
    return after;
  });
  return { limits, revision };
}

/** Every column of the limits, for a row of keyward_tokens that is joined with them. */
export const limitColumns = [
  'owner',
  'allowed_providers',
  'allowed_models',
  'requests_per_minute',
  'tokens_per_minute',
  'daily_budget_usd',
  'monthly_budget_usd',
] as const;
