/** Stand-in keys of every shape that is known, put together at run time from the shapes of the entries. */
import fc from 'fast-check';
import { foreignKeys } from '../../src/providers/foreign-key-shapes.ts';
import { knownProviders } from '../../src/providers/registry.ts';
import type { PlantedSecret } from './leak-scan.ts';

/** One key for each shape of each provider; the same in every run. */
export function plantedKeys(): readonly PlantedSecret[] {
  const shapes = [
    ...knownProviders.flatMap(({ slug, keyShapes }) => keyShapes.map((shape) => ({ slug, ...shape }))),
    ...foreignKeys.flatMap(({ displayName, keyShapes }) =>
      keyShapes.map((shape) => ({ slug: displayName, ...shape })),
    ),
  ];
  return shapes.map(({ slug, prefix, rest }, index) => {
    const [text = ''] = fc.sample(fc.stringMatching(new RegExp(`^${rest}$`)), {
      numRuns: 1,
      seed: 1000 + index,
    });
    // Some shapes have no upper bound, and a piece to search for must be long enough.
    return { name: `${slug} ${prefix}`.trim(), value: (prefix + text).slice(0, 200) };
  });
}

/** The planted key of this provider. */
export function plantedKeyOf(keys: readonly PlantedSecret[], slug: string): string {
  return keys.find(({ name }) => name.split(' ')[0] === slug)?.value ?? '';
}
