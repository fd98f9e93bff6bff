/**
 * How often tests repeat that find more the longer they run: enough to see a fault that is always there, or, with
 * KEYWARD_TEST_DEPTH=thorough (`npm run test:thorough`), also one that shows itself seldom.
 */
const isThorough = process.env['KEYWARD_TEST_DEPTH'] === 'thorough';

export function atDepth<T>(depths: { readonly usual: T; readonly thorough: T }): T {
  return isThorough ? depths.thorough : depths.usual;
}

/** For suites about what stands above the database, whose statements others run on both engines at any depth. */
export const usualEngines = atDepth<readonly ('embedded' | 'postgres')[]>({
  usual: ['postgres'],
  thorough: ['embedded', 'postgres'],
});
