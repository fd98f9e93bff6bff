/**
 * From the model that a caller names to the provider, the key and the model's name there. Reads the
 * snapshot only.
 */
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import type { KeySource } from '../keys/resolve-key.ts';
import type { NativeApi, Wire } from '../providers/provider-entry.ts';
import { redactSecrets } from '../providers/redact.ts';
import type { ServedProvider, Snapshot } from '../keys/snapshot.ts';
import type { Upstream } from '../keys/upstream-address.ts';
import type { UserKey } from '../keys/user-keys.ts';

export interface Target {
  readonly provider: ServedProvider;
  readonly upstream: Upstream;
  readonly key: Secret;
  /** byok: the caller's own, which `userKey` says more of. */
  readonly source: KeySource | 'byok';
  readonly userKey?: UserKey;
  /** Why it is not the first choice: of the keys, or of the models. */
  readonly fallback?: 'user_key_unreadable' | 'user_key_rejected' | 'other_model';
  /** The model's name as the provider knows it. */
  readonly model: string;
  /** The API of its own that is asked; null: the OpenAI-compatible one. */
  readonly api: NativeApi | null;
}

/** What a request says of where it wants to go. */
export interface Wanted {
  readonly wire: Wire;
  /** The provider's own API, where it has one, whatever the wire is. */
  readonly own?: boolean;
  readonly defaultProvider: string | undefined;
  /** Whose own keys come first; null: nobody's. */
  readonly owner?: string | null;
  /** Whether the key of the platform may serve where the owner's own cannot be read. */
  readonly byokFallback?: 'none' | 'system';
  /** Told which provider is meant, whether it can serve or not. */
  readonly asked?: (slug: string) => void;
  /** Throws what the caller may not use; asked before anything is said of the provider. */
  readonly permit?: (slug: string, model: string) => void;
}

/**
 * `provider/model` names both. A name without a known provider is looked up among the models of the
 * database; a bare one then goes to the default provider, or to the one whose own API is asked for.
 * @throws KeywardError 404 for an unknown provider or model, 400 where it has no such API, 503 where no key can serve,
 *   and what `permit` throws
 */
export function chooseTarget(snapshot: Snapshot, model: string, wanted: Wanted): Target {
  const { provider, name } = findProvider(snapshot, model, wanted);
  return targetAt(snapshot, provider, { model: name, ...wanted });
}

/** The models that a name stands for, the first and those to fall back to; null where it is no alias. */
export function aliasTargets({ providers, aliases }: Snapshot, model: string): string[] | null {
  return aliases.targetsOf(model, (name) => {
    const slash = name.indexOf('/');
    return slash > 0 && slash < name.length - 1 && providers.has(name.slice(0, slash));
  });
}

/**
 * Where nothing but a slug tells: a header, a path, the setting.
 * @throws KeywardError provider_required, and those of `chooseTarget`
 */
export function chooseBySlug(snapshot: Snapshot, slug: string | undefined, wanted: Wanted): Target {
  const named = slug ?? wanted.defaultProvider;
  if (named === undefined) throw new KeywardError('provider_required', { param: 'x-keyward-provider' });
  const provider = snapshot.providers.get(named);
  if (provider === undefined) throw providerNotFound(snapshot, named, 'x-keyward-provider');
  return targetAt(snapshot, provider, { model: '', ...wanted });
}

function targetAt(
  { userKeys, modelsOff }: Snapshot,
  provider: ServedProvider,
  { model, wire, own, owner, byokFallback, asked, permit }: Wanted & { readonly model: string },
): Target {
  const { upstream, resolution, slug } = provider;
  permit?.(slug, model);
  if (modelsOff.has(`${slug}/${model}`))
    throw new KeywardError('model_not_found', {
      message: `The model "${shown(`${slug}/${model}`)}" is switched off here.`,
      param: 'model',
    });
  asked?.(slug);
  const shared = own === true ? (provider.entry.native ?? null) : null;
  const api = wire === 'compatible' ? shared : nativeApi(provider, wire);
  if ('problem' in upstream) {
    throw new KeywardError('provider_unusable', {
      message: `The provider "${slug}" is set aside: ${upstream.problem}.`,
    });
  }
  const userKey = userKeys.get(owner ?? '')?.get(slug);
  if (userKey !== undefined && userKey.key !== null)
    return { provider, upstream, key: userKey.key, source: 'byok', userKey, model, api };
  if (userKey !== undefined && byokFallback !== 'system')
    throw new KeywardError('user_key_unusable', {
      message: `Your own key for the provider "${slug}" cannot be read here. Enter it again, or remove it.`,
    });
  if (resolution.key === null || resolution.source === null) {
    throw new KeywardError(resolution.problem === null ? 'provider_key_missing' : 'provider_unusable', {
      message: `There is no usable key for the provider "${slug}": ${resolution.reason}.`,
    });
  }
  const target = { provider, upstream, key: resolution.key, source: resolution.source, model, api };
  return userKey === undefined ? target : { ...target, fallback: 'user_key_unreadable' };
}

function nativeApi({ entry, slug }: ServedProvider, wire: Exclude<Wire, 'compatible'>): NativeApi {
  if (entry.native?.wire === wire) return entry.native;
  const name = wire === 'messages' ? "Anthropic's Messages API" : "Google's Gemini API";
  throw new KeywardError('api_not_spoken', {
    message: `The provider "${slug}" does not speak ${name}. Ask it at POST /v1/chat/completions.`,
    param: 'model',
  });
}

function findProvider(
  snapshot: Snapshot,
  model: string,
  { wire, defaultProvider }: Wanted,
): { provider: ServedProvider; name: string } {
  const slash = model.indexOf('/');
  const named = slash > 0 ? snapshot.providers.get(model.slice(0, slash)) : undefined;
  if (named !== undefined && slash < model.length - 1)
    return { provider: named, name: model.slice(slash + 1) };
  const row = snapshot.models.get(model);
  const known = snapshot.providers.get(row?.slug ?? '');
  if (row !== undefined && known !== undefined) return { provider: known, name: row.modelId };
  const fallback = slash === -1 ? fallbackProvider(snapshot, wire, defaultProvider) : undefined;
  if (fallback !== undefined) return { provider: fallback, name: model };
  if (slash > 0 && named === undefined) {
    throw providerNotFound(snapshot, model.slice(0, slash), 'model');
  }
  throw new KeywardError('model_not_found', {
    message: `The model "${shown(model)}" is not known here. Name it as provider/model, for example openrouter/google/gemini-flash-1.5.`,
    param: 'model',
  });
}

/** For an API that is a provider's own, the default provider is no better guess than that one. */
function fallbackProvider(
  { providers }: Snapshot,
  wire: Wire,
  defaultProvider: string | undefined,
): ServedProvider | undefined {
  const named = providers.get(defaultProvider ?? '');
  if (wire === 'compatible' || named?.entry.native?.wire === wire) return named;
  return [...providers.values()].find(({ entry }) => entry.native?.wire === wire);
}

function providerNotFound({ providers }: Snapshot, slug: string, param: string): KeywardError {
  return new KeywardError('provider_not_found', {
    message: `There is no provider "${shown(slug)}". Known here: ${[...providers.keys()].join(', ')}.`,
    param,
  });
}

/** A key that was put in the place of a model is not repeated. */
export function shown(name: string): string {
  return printable(redactSecrets(name, []));
}

function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 100 ? `${clean.slice(0, 100)}…` : clean;
}
