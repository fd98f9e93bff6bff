/** Gateway tokens with limits, as tests need them: made and limited past the admin API, and served when they are returned. */
import type { TokenLimits } from '../../src/auth/authenticate.ts';
import { createToken } from '../../src/auth/token-store.ts';
import { occasionOfTests } from './audited.ts';
import type { RunningKeyward } from './running-keyward.ts';

export const unlimited: TokenLimits = {
  owner: null,
  allowedProviders: null,
  allowedModels: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  dailyBudgetUsd: null,
  monthlyBudgetUsd: null,
};

export interface LimitedToken {
  readonly id: number;
  readonly token: string;
  /** What a request presents it with. */
  readonly headers: { readonly authorization: string };
}

export async function limitedToken(
  keyward: RunningKeyward,
  limits: Partial<TokenLimits>,
): Promise<LimitedToken> {
  const { audit } = keyward.server.installation;
  const made = await createToken(audit, occasionOfTests, { kind: 'gateway', name: 'limited' });
  const all = { ...unlimited, ...limits };
  await keyward.change(
    `INSERT INTO keyward_token_limits (token_id, owner, allowed_providers, allowed_models, requests_per_minute,
       tokens_per_minute, daily_budget_usd, monthly_budget_usd, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'a test')`,
    [
      made.id,
      all.owner,
      all.allowedProviders,
      all.allowedModels,
      all.requestsPerMinute,
      all.tokensPerMinute,
      all.dailyBudgetUsd,
      all.monthlyBudgetUsd,
    ],
  );
  const token = made.token.reveal();
  return { id: made.id, token, headers: { authorization: `Bearer ${token}` } };
}
