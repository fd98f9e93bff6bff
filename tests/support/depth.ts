/**
 * How often tests repeat that find more the longer they run: enough to see a fault that is always there, or, with
 * KEYWARD_TEST_DEPTH=thorough (`npm run test:thorough`), also one that shows itself seldom.
 */
const isThorough = process.env['KEYWARD_TEST_DEPTH'] === 'thorough';

export function atDepth<T>(depths: { readonly usual: T; readonly thorough: T }): T {
  return isThorough ? depths.thorough : depths.usual;
}

/**
 * Where no engine is the subject. The embedded one takes some five times as long for the same; at any depth it runs
 * tests/database/, first starts and commands, the fuzz of the admin API, the gateway's hot path and a restore.
 */
export const usualEngines = atDepth<readonly ('embedded' | 'postgres')[]>({
  usual: ['postgres'],
  thorough: ['embedded', 'postgres'],
});
