/** Gateway tokens with limits, as tests need them: made past the admin API, and served when they are returned. */
import type { TokenLimits } from '../../src/auth/authenticate.ts';
import { noLimits } from '../../src/auth/token-limits.ts';
import { newToken } from './administrators.ts';
import type { RunningKeyward } from './running-keyward.ts';

export const unlimited = noLimits;

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
  const { id, token } = await newToken(keyward, { kind: 'gateway', name: 'limited', limits });
  await keyward.caughtUp();
  return { id, token, headers: { authorization: `Bearer ${token}` } };
}
