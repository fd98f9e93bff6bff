/** One Keyward before one stand-in of OpenRouter for all tests of a file; the stand-in behaves well at the start of each. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Engine } from './keyward-database.ts';
import { startKeyward, type RunningKeyward } from './running-keyward.ts';
import { startStandInProvider, type StandInProvider } from './stand-in-provider.ts';

/** The key that the stand-in takes; in the environment of the server as OPENROUTER_API_KEY. */
export const providerKey = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');

export interface GatewayAndProvider {
  readonly keyward: RunningKeyward;
  readonly provider: StandInProvider;
}

/** @param env variables beside those that every test needs */
export function gatewayAndProvider(
  env: Readonly<Record<string, string>> = {},
  engine: Engine = 'postgres',
): GatewayAndProvider {
  let keyward: RunningKeyward | undefined;
  let provider: StandInProvider | undefined;
  beforeAll(async () => {
    provider = await startStandInProvider({ keys: [providerKey] });
    keyward = await startKeyward({
      engine,
      env: { OPENROUTER_API_KEY: providerKey, OPENROUTER_BASE_URL: provider.baseUrl, ...env },
    });
  });
  beforeEach(() => provider?.behave({}));
  afterAll(async () => {
    await keyward?.stop();
    await provider?.close();
  });
  return {
    get keyward() {
      return started(keyward);
    },
    get provider() {
      return started(provider);
    },
  };
}

function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('this is there only while a test runs');
  return part;
}
