/**
 * Looks at a key before it is stored: refuses what cannot be a provider key, warns where it looks like
 * something else, and lets everything else pass. No sentence ever holds a part of the key.
 */
import type { Secret } from '../foundation/secret.ts';
import { foreignKeys } from './foreign-key-shapes.ts';
import { keyMistake } from './key-mistake.ts';
import type { KeyShape, ProviderEntry } from './provider-entry.ts';
import { knownProviders } from './registry.ts';

export interface KeyShapeReport {
  /** Whether the key looks as keys of this provider are known to look. */
  readonly fits: boolean;
  /** Worth saying, but no reason to stop. */
  readonly warning?: string;
  /** The key must not be stored. */
  readonly refusal?: string;
}

export function describeKeyShape(entry: ProviderEntry, key: Secret): KeyShapeReport {
  const text = key.reveal();
  const refusal = keyMistake(text) ?? forbidden(text);
  if (refusal !== undefined) return { fits: false, refusal };

  const owners = ownersOf(text);
  if (owners.some((owner) => owner.displayName === entry.displayName && owner.whole)) return { fits: true };
  const warning = warningFor(entry, owners);
  return warning === undefined ? { fits: true } : { fits: false, warning };
}

function forbidden(key: string): string | undefined {
  return knownProviders
    .flatMap((provider) => provider.forbiddenKeys)
    .find((forbiddenKey) => key.startsWith(forbiddenKey.prefix))?.message;
}

interface Owner {
  readonly displayName: string;
  readonly prefix: string;
  /** The whole key fits the shape, not only its beginning. */
  readonly whole: boolean;
}

/**
 * Whose key this may be. Whole fits outrank mere beginnings, and among equals the longest prefix wins, so
 * that `sk-ant-` and `sk-or-` are seen before bare `sk-`.
 */
function ownersOf(key: string): readonly Owner[] {
  const candidates = [...knownProviders, ...foreignKeys].flatMap(({ displayName, keyShapes }) =>
    keyShapes
      .map((shape) => ({ displayName, prefix: shape.prefix, whole: isWhole(shape, key) }))
      .filter((owner) => owner.whole || (owner.prefix !== '' && key.startsWith(owner.prefix))),
  );
  const wholes = candidates.filter((owner) => owner.whole);
  const likely = wholes.length > 0 ? wholes : candidates;
  const longest = Math.max(...likely.map((owner) => owner.prefix.length));
  return likely.filter((owner) => owner.prefix.length === longest);
}

function isWhole(shape: KeyShape, key: string): boolean {
  return key.startsWith(shape.prefix) && new RegExp(`^${shape.rest}$`).test(key.slice(shape.prefix.length));
}

function warningFor(entry: ProviderEntry, owners: readonly Owner[]): string | undefined {
  if (owners.some((owner) => owner.displayName === entry.displayName)) {
    return `The key begins like a key of ${entry.displayName}, but its length or its alphabet is unusual. Was it copied whole?`;
  }
  const telling = owners.filter((owner) => owner.prefix !== '');
  if (telling.length === 1 || telling.some((owner) => owner.whole)) {
    return `The key looks like ${listOf(telling)}, not like one of ${entry.displayName}.`;
  }
  if (entry.keyShapes.length === 0) return undefined;
  return `The key does not look like the usual keys of ${entry.displayName}${usualBeginning(entry)}. Shapes change, so it is taken as it is.`;
}

function listOf(owners: readonly Owner[]): string {
  const names = [...new Set(owners.map((owner) => owner.displayName))];
  return `a key of ${names.join(' or ')}`;
}

function usualBeginning(entry: ProviderEntry): string {
  const prefixes = entry.keyShapes.map((shape) => shape.prefix).filter((prefix) => prefix !== '');
  return prefixes.length === 0 ? '' : `, which begin with ${prefixes.join(' or ')}`;
}
