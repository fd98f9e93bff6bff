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
    .filter((alias) => (aliasTargets(snapshot, alias) ?? []).some((model) => serves(snapshot, model, wanted)))
    .map((alias) => ({ id: alias, slug: 'keyward', displayName: alias, created: 0 }));
}

function serves(snapshot: Snapshot, model: string, wanted: Wanted): boolean {
  try {
    chooseTarget(snapshot, model, wanted);
    return true;
  } catch (error) {
    if (error instanceof KeywardError) return false;
    throw error;
  }
}
