/**
 * Names that stand for models: which models a name leads to, and whether a set of names leads anywhere at all. Pure.
 * A name that begins with a provider is no alias, so a chain of them ends where it names one.
 */
export interface ModelAlias {
  /** With a * at its end: whatever begins so. */
  readonly alias: string;
  /** The first, and those to fall back to; * stands for what the alias had there. */
  readonly targets: readonly string[];
}

/** Whether a name says its provider, as `provider/model`. */
export type NamesProvider = (model: string) => boolean;

const deepest = 3;
export const mostTargets = 6;

export class ModelAliases {
  readonly #exact = new Map<string, ModelAlias>();
  /** The longest first. */
  readonly #patterns: readonly ModelAlias[];

  constructor(aliases: readonly ModelAlias[]) {
    for (const one of aliases) if (!isPattern(one.alias)) this.#exact.set(one.alias, one);
    this.#patterns = aliases
      .filter(({ alias }) => isPattern(alias))
      .toSorted((one, other) => other.alias.length - one.alias.length);
  }

  /** Those that are no beginnings, in the order in which they came. */
  wholeNames(): string[] {
    return [...this.#exact.keys()];
  }

  /** The models that a name stands for, the first and those to fall back to; null where it is no alias. */
  targetsOf(model: string, namesProvider: NamesProvider): string[] | null {
    const alias = this.#find(model, namesProvider);
    if (alias === undefined) return null;
    const targets = new Set(this.#expand(model, alias, namesProvider, 1));
    return targets.size === 0 ? null : [...targets].slice(0, mostTargets);
  }

  /** Why these aliases cannot stand together, as a sentence; null where they can. */
  fault(namesProvider: NamesProvider): string | null {
    const all = [...this.#exact.values(), ...this.#patterns];
    for (const one of all) {
      const trail = this.#tooLong([one], namesProvider);
      if (trail !== null) {
        const words = trail.map(({ alias }) => `"${alias}"`).join(' → ');
        return trail.indexOf(one) === trail.lastIndexOf(one) && new Set(trail).size === trail.length
          ? `The aliases ${words} lead to each other more than ${deepest} deep.`
          : `The alias "${one.alias}" leads to itself: ${words}.`;
      }
    }
    return null;
  }

  #find(model: string, namesProvider: NamesProvider): ModelAlias | undefined {
    if (namesProvider(model)) return undefined;
    return this.#exact.get(model) ?? this.#patterns.find(({ alias }) => model.startsWith(beginningOf(alias)));
  }

  /** What was written past the checks may go round: it ends at the deepest, and the name is taken for a model. */
  #expand(
    model: string,
    { alias, targets }: ModelAlias,
    namesProvider: NamesProvider,
    depth: number,
  ): string[] {
    const rest = isPattern(alias) ? model.slice(beginningOf(alias).length) : '';
    return targets.flatMap((target) => {
      const name = target.replaceAll('*', () => rest);
      // The * stands for nothing, so no model is left behind the provider.
      if (name.endsWith('/')) return [];
      const next = depth < deepest ? this.#find(name, namesProvider) : undefined;
      return next === undefined ? [name] : this.#expand(name, next, namesProvider, depth + 1);
    });
  }

  /** A way on from the last of these that comes back or is too long; null where there is none. */
  #tooLong(trail: readonly ModelAlias[], namesProvider: NamesProvider): ModelAlias[] | null {
    for (const next of this.#nextOf(trail.at(-1), namesProvider)) {
      const longer = [...trail, next];
      if (trail.includes(next) || longer.length > deepest) return longer;
      const found = this.#tooLong(longer, namesProvider);
      if (found !== null) return found;
    }
    return null;
  }

  #nextOf(from: ModelAlias | undefined, namesProvider: NamesProvider): ModelAlias[] {
    const names = (from?.targets ?? []).filter((target) => !namesProvider(target));
    return [...this.#exact.values(), ...this.#patterns].filter(({ alias }) =>
      names.some((name) => mayFit(name, alias)),
    );
  }
}

function isPattern(alias: string): boolean {
  return alias.endsWith('*');
}

function beginningOf(pattern: string): string {
  return pattern.slice(0, -1);
}

/** Whether a target, whatever its * stands for, may be this alias or begin as it does. */
function mayFit(target: string, alias: string): boolean {
  const star = target.indexOf('*');
  const beginning = star === -1 ? target : target.slice(0, star);
  if (!isPattern(alias)) return star === -1 ? target === alias : alias.startsWith(beginning);
  const ofAlias = beginningOf(alias);
  return beginning.startsWith(ofAlias) || (star !== -1 && ofAlias.startsWith(beginning));
}
