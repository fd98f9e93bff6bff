/**
 * The aliases among the models that a caller may name: those that are whole names and lead this caller to one model at
 * least that serves. What a call would pass over leads nowhere here either, since both ask the same function.
 */
import { KeywardError } from '../foundation/errors.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import { aliasTargets, chooseTarget, type Wanted } from './choose-provider.ts';
import type { ListedModel } from './model-catalogue.ts';

/** @param wanted whose list it is, and for the calls of which API */
export function listedAliases(snapshot: Snapshot, wanted: Wanted): ListedModel[] {
  return snapshot.aliases
    .wholeNames()
    .filter((alias) =>
      (aliasTargets(snapshot, alias) ?? []).some((model) => listedId(snapshot, model, wanted) !== undefined),
    )
    .map((alias) => ({ id: alias, slug: 'keyward', displayName: alias, created: 0 }));
}

/** The name under which a model is listed that a caller may name otherwise; undefined where a call would go nowhere. */
export function listedId(snapshot: Snapshot, model: string, wanted: Wanted): string | undefined {
  try {
    const { provider, model: name } = chooseTarget(snapshot, model, wanted);
    return `${provider.slug}/${name}`;
  } catch (error) {
    if (error instanceof KeywardError) return undefined;
    throw error;
  }
}
