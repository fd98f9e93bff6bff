/** All providers that Keyward knows, and the one way to look one up; a look-up never fails. */
import { anthropic } from './anthropic.ts';
import { cohere } from './cohere.ts';
import { deepseek } from './deepseek.ts';
import { fireworks } from './fireworks.ts';
import { genericEntry } from './generic.ts';
import { google } from './google.ts';
import { groq } from './groq.ts';
import { mistral } from './mistral.ts';
import { openai } from './openai.ts';
import { openrouter } from './openrouter.ts';
import { perplexity } from './perplexity.ts';
import type { KnownProviderEntry, ProviderEntry } from './provider-entry.ts';
import { together } from './together.ts';
import { xai } from './xai.ts';

/** In the order in which the migrations seed them. */
export const knownProviders: readonly KnownProviderEntry[] = [
  openai,
  anthropic,
  google,
  openrouter,
  together,
  groq,
  fireworks,
  mistral,
  xai,
  deepseek,
  perplexity,
  cohere,
];

const bySlug: ReadonlyMap<string, KnownProviderEntry> = new Map(
  knownProviders.map((entry) => [entry.slug, entry]),
);

/** The entry of that slug, or a generic OpenAI-compatible one without a base URL. */
export function providerEntry(slug: string): ProviderEntry {
  return bySlug.get(slug) ?? genericEntry(slug);
}
