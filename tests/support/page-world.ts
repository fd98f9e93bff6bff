/** Keyward with something to see on its pages: one stand-in of OpenRouter, and whoever is to look. */
import { callAdmin, environmentKey, firstKey, secondKey } from './administered-keyward.ts';
import { startKeyward, type RunningKeyward } from './running-keyward.ts';
import { startStandInProvider, type StandInProvider } from './stand-in-provider.ts';

export interface PageWorld {
  readonly keyward: RunningKeyward;
  readonly provider: StandInProvider;
  readonly url: string;
  /** A new admin token with this role. */
  readonly makeToken: (role: 'admin' | 'viewer') => Promise<string>;
  readonly close: () => Promise<void>;
}

export async function startPageWorld(): Promise<PageWorld> {
  const provider = await startStandInProvider({
    slug: 'openrouter',
    keys: [environmentKey, firstKey, secondKey],
  });
  const keyward = await startKeyward({
    env: { OPENROUTER_BASE_URL: provider.baseUrl, OPENROUTER_API_KEY: environmentKey },
  });
  const { url } = keyward.server;
  return {
    keyward,
    provider,
    url,
    makeToken: async (role) => {
      const { body } = await callAdmin(url, 'POST /api/v1/admin/tokens', {
        body: { kind: 'admin', name: `a ${role}`, role },
      });
      return String(body['token']);
    },
    close: async () => {
      await keyward.stop();
      await provider.close();
    },
  };
}
