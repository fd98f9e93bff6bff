/**
 * From the model that a caller names to the provider, the key and the model's name there. Reads the
 * snapshot only.
 */
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import type { KeySource } from '../keys/resolve-key.ts';
import { redactSecrets } from '../providers/redact.ts';
import type { ServedProvider, Snapshot } from '../keys/snapshot.ts';
import type { Upstream } from '../keys/upstream-address.ts';

export interface Target {
  readonly provider: ServedProvider;
  readonly upstream: Upstream;
  readonly key: Secret;
  readonly source: KeySource;
  /** The model's name as the provider knows it. */
  readonly model: string;
}

/**
 * `provider/model` names both. A name without a known provider is looked up among the models of the
 * database; a bare one then goes to the default provider.
 * @param asked told which provider is meant, whether it can serve or not
 * @throws KeywardError 404 for an unknown provider or model, 503 where no key can serve
 */
export function chooseTarget(
  snapshot: Snapshot,
  model: string,
  defaultProvider: string | undefined,
  asked: (slug: string) => void = () => undefined,
): Target {
  const { provider, name } = findProvider(snapshot, model, defaultProvider);
  const { upstream, resolution, slug } = provider;
  asked(slug);
  if ('problem' in upstream) {
    throw new KeywardError('provider_unusable', {
      message: `The provider "${slug}" is set aside: ${upstream.problem}.`,
    });
  }
  if (resolution.key === null || resolution.source === null) {
    throw new KeywardError(resolution.problem === null ? 'provider_key_missing' : 'provider_unusable', {
      message: `There is no usable key for the provider "${slug}": ${resolution.reason}.`,
    });
  }
  return { provider, upstream, key: resolution.key, source: resolution.source, model: name };
}

function findProvider(
  snapshot: Snapshot,
  model: string,
  defaultProvider: string | undefined,
): { provider: ServedProvider; name: string } {
  const slash = model.indexOf('/');
  const named = slash > 0 ? snapshot.providers.get(model.slice(0, slash)) : undefined;
  if (named !== undefined && slash < model.length - 1)
    return { provider: named, name: model.slice(slash + 1) };
  const known = snapshot.providers.get(snapshot.models.get(model) ?? '');
  if (known !== undefined) return { provider: known, name: model };
  const fallback = slash === -1 ? snapshot.providers.get(defaultProvider ?? '') : undefined;
  if (fallback !== undefined) return { provider: fallback, name: model };
  if (slash > 0 && named === undefined) {
    throw new KeywardError('provider_not_found', {
      message: `There is no provider "${shown(model.slice(0, slash))}". Known here: ${[...snapshot.providers.keys()].join(', ')}.`,
      param: 'model',
    });
  }
  throw new KeywardError('model_not_found', {
    message: `The model "${shown(model)}" is not known here. Name it as provider/model, for example openrouter/google/gemini-flash-1.5.`,
    param: 'model',
  });
}

/** A key that was put in the place of a model is not repeated. */
function shown(name: string): string {
  return printable(redactSecrets(name, []));
}

function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 100 ? `${clean.slice(0, 100)}…` : clean;
}
