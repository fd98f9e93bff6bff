/** What rotations need in tests: keys of the shape of OpenRouter's, and the acts on a database with a stand-in. */
import { Secret } from '../../src/foundation/secret.ts';
import { systemClock, type Clock } from '../../src/foundation/clock.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { storeKey } from '../../src/keys/change-provider.ts';
import type { KeyRing } from '../../src/crypto/key-ring.ts';
import { changePartsOn, occasionOfTests } from './audited.ts';
import type { OpenedDatabase } from './keyward-database.ts';

/** `rotatingKey(7)`: obviously fake, as OpenRouter's look, and never two the same. */
export function rotatingKey(number: number): string {
  return ['sk', 'or', 'v1', number.toString(16).padStart(4, '0').repeat(16)].join('-');
}

/** The parts of an instance that finds this provider at that address. */
export async function keyActPartsOn(
  { database }: Pick<OpenedDatabase, 'database'>,
  ring: KeyRing,
  baseUrl: string,
  {
    slug = 'openrouter',
    clock = systemClock,
    env = {},
  }: {
    readonly slug?: string;
    readonly clock?: Clock;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<KeyActParts> {
  const environment = { [`${slug.toUpperCase()}_BASE_URL`]: baseUrl, ...env };
  return {
    changes: await changePartsOn(database, ring, environment),
    config: loadConfig(environment),
    database,
    clock,
  };
}

export async function storeFirstKey(
  { changes }: KeyActParts,
  key: string,
  slug = 'openrouter',
): Promise<void> {
  await storeKey(changes, occasionOfTests, slug, { key: new Secret(key), source: 'database' });
}
