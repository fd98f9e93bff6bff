/**
 * The models that callers may name: those of llm_models, and what each provider itself lists. A provider's list is
 * asked for with its key, kept for a while, and never waited for by more than a moment: who does not answer is left out.
 */
import type { Pool } from 'undici';
import type { Clock } from '../foundation/clock.ts';
import { messageOf } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { ServedProvider, Snapshot } from '../keys/snapshot.ts';
import type { Upstream } from '../keys/upstream-address.ts';
import type { Wire } from '../providers/provider-entry.ts';
import { nativeBasePath } from '../providers/base-path.ts';
import { valueAt } from '../providers/read-answer.ts';
import { upstreamHeaders } from './headers.ts';

export interface ListedModel {
  /** `provider/model`, as a caller names it. */
  readonly id: string;
  readonly slug: string;
  readonly displayName: string;
  /** Seconds since 1970; 0 where nobody says. */
  readonly created: number;
}

interface Parts {
  readonly pools: { for(upstream: Upstream): Pool };
  readonly clock: Clock;
  readonly log: Logger;
}

interface Kept {
  readonly models: readonly ListedModel[];
  readonly untilMs: number;
}

const keptMs = 10 * 60_000;
/** A provider that did not answer is asked again sooner. */
const failedMs = 60_000;
const patienceMs = 3_000;
const longestListBytes = 8 * 1024 * 1024;
const mostModels = 5_000;

export class ModelCatalogue {
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** In the order of the providers, those alone that speak this API; of one name once, and none that is switched off. */
  async list(snapshot: Snapshot, wire: Wire): Promise<ListedModel[]> {
    const providers = [...snapshot.providers.values()].filter((provider) => speaks(provider, wire));
    await Promise.all(providers.map(async (provider) => this.#refresh(provider)));
    const listed = new Map(
      providers
        .flatMap((provider) => this.#kept.get(nameOf(provider))?.models ?? [])
        .filter(({ id }) => !snapshot.modelsOff.has(id))
        .map((model) => [model.id, model] as const),
    );
    const slugs = new Set(providers.map(({ slug }) => slug));
    const known = new Map<string, ListedModel>();
    for (const { modelId, slug, displayName } of snapshot.models.values()) {
      const id = `${slug}/${modelId}`;
      if (slugs.has(slug)) known.set(id, { id, slug, displayName, created: listed.get(id)?.created ?? 0 });
    }
    return [...known.values(), ...[...listed.values()].filter(({ id }) => !known.has(id))];
  }

  async #refresh(provider: ServedProvider): Promise<void> {
    const { upstream, resolution } = provider;
    if ('problem' in upstream || resolution.key === null) return;
    const name = nameOf(provider);
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.untilMs > this.#parts.clock.monotonicMs()) return;
    let asking = this.#asking.get(name);
    if (asking === undefined) {
      asking = this.#ask(provider, upstream).finally(() => this.#asking.delete(name));
      this.#asking.set(name, asking);
    }
    // An older list serves until the new one is there.
    if (kept === undefined) await asking;
  }

  async #ask(provider: ServedProvider, upstream: Upstream): Promise<void> {
    const { clock, log } = this.#parts;
    const keep = (models: readonly ListedModel[], ms: number): void => {
      this.#kept.set(nameOf(provider), { models, untilMs: clock.monotonicMs() + ms });
    };
    try {
      keep(await askForModels(this.#parts.pools.for(upstream), provider, upstream), keptMs);
    } catch (error) {
      keep([], failedMs);
      log.debug({ provider: provider.slug, cause: messageOf(error) }, 'a provider did not list its models');
    }
  }
}

function speaks({ entry }: ServedProvider, wire: Wire): boolean {
  return wire === 'compatible' || entry.native?.wire === wire;
}

function nameOf({ slug, upstream, resolution }: ServedProvider): string {
  const origin = 'problem' in upstream ? '' : upstream.baseUrl;
  return `${slug} ${origin} ${resolution.key?.fingerprint ?? ''}`;
}

async function askForModels(
  pool: Pool,
  provider: ServedProvider,
  upstream: Upstream,
): Promise<readonly ListedModel[]> {
  const { entry, resolution, slug } = provider;
  const { key, source } = resolution;
  if (key === null || source === null) return [];
  const api = entry.native ?? null;
  const base = api === null ? upstream.basePath : nativeBasePath(entry, api, upstream.basePath);
  const target = { provider, upstream, key, source, model: '', api };
  const answer = await pool.request({
    path: `${base}/models`,
    method: 'GET',
    headers: upstreamHeaders({}, target, null),
    signal: AbortSignal.timeout(patienceMs),
  });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw new Error(`it answered ${answer.statusCode}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer.body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > longestListBytes) throw new Error('its list is too long');
    pieces.push(piece);
  }
  return modelsIn(JSON.parse(Buffer.concat(pieces).toString('utf8')), slug);
}

/** Lists differ in where they stand and what the name is called: `data[].id`, `models[].name`, or a bare array. */
function modelsIn(answer: unknown, slug: string): ListedModel[] {
  const list =
    ['', 'data', 'models'].map((path) => valueAt(answer, path)).find((value) => Array.isArray(value)) ?? [];
  return (list as unknown[]).slice(0, mostModels).flatMap((model) => {
    const name = nameIn(model, ['id', 'name']);
    if (name === undefined) return [];
    const plain = name.replace(/^models\//, '');
    return [
      {
        id: `${slug}/${plain}`,
        slug,
        displayName: nameIn(model, ['display_name', 'displayName', 'name']) ?? plain,
        created: createdIn(model),
      },
    ];
  });
}

/** OpenAI says seconds, Anthropic a date (RFC 3339). */
function createdIn(model: unknown): number {
  const seconds = valueAt(model, 'created');
  if (typeof seconds === 'number') return seconds;
  const ms = Date.parse(String(valueAt(model, 'created_at')));
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}

function nameIn(model: unknown, paths: readonly string[]): string | undefined {
  return paths
    .map((path) => valueAt(model, path))
    .find((value): value is string => typeof value === 'string' && isName(value));
}

function isName(text: string): boolean {
  return text.length <= 300 && /^[^\p{Cc}\p{Cf}]+$/u.test(text);
}
