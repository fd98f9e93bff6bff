/**
 * What tokens cost, in USD: by the price in llm_models where an administrator wrote one, else by the price list of
 * the package @pydantic/genai-prices, which is part of the build. A model that neither knows has no price, and no
 * guess is made.
 */
import { calcPrice, type Provider } from '@pydantic/genai-prices';
import type { CountedTokens } from './count-tokens.ts';

/** USD for a million tokens; null where it is not written down. */
export interface OwnPrice {
  readonly input: number | null;
  readonly output: number | null;
  /** Of input that the provider had cached; null: as other input. */
  readonly cached: number | null;
}

export interface Cost {
  readonly inputUsd: number;
  readonly outputUsd: number;
}

/** @param at when it was used: prices change */
export function costOf(
  tokens: CountedTokens,
  { provider, model, at }: { readonly provider: string; readonly model: string; readonly at: Date },
  own: OwnPrice | undefined,
): Cost | null {
  if (own !== undefined && own.input !== null && own.output !== null) {
    const cached = Math.min(tokens.cached, tokens.prompt);
    const input = (tokens.prompt - cached) * own.input + cached * (own.cached ?? own.input);
    return { inputUsd: input / 1e6, outputUsd: (tokens.completion * own.output) / 1e6 };
  }
  const usage = {
    input_tokens: tokens.prompt,
    cache_read_tokens: Math.min(tokens.cached, tokens.prompt),
    output_tokens: tokens.completion,
  };
  const name = `${provider}/${model}`;
  const known = entries.get(name);
  if (known === null) return null;
  try {
    const where = known === undefined ? { providerId: provider } : { provider: known };
    const price = calcPrice(usage, model, { ...where, timestamp: at });
    if (known === undefined)
      remember(name, price && { ...price.provider, models: [price.model], fallback_model_providers: [] });
    return price && { inputUsd: price.input_price, outputUsd: price.output_price };
  } catch {
    // The list knows the model by other units than tokens.
    return null;
  }
}

/**
 * The one entry of the list that a model is found by; null where there is none. Looking for it takes as much of the
 * processor as the whole of a request.
 */
const entries = new Map<string, Provider | null>();
const mostEntries = 5_000;

function remember(name: string, entry: Provider | null): void {
  // Callers name models as they like.
  if (entries.size >= mostEntries) entries.clear();
  entries.set(name, entry);
}
