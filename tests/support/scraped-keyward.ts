/** A Keyward that has lived a little, so that every series it can have is there: traffic, a rotation, a refused key, an alert. */
import { expect } from 'vitest';
import { callAdmin, type AdminRequest } from './administered-keyward.ts';
import { manualClock } from './manual-clock.ts';
import { rotatingKey } from './rotating.ts';
import { startKeyward, type RunningKeyward } from './running-keyward.ts';
import { startStandInProvider } from './stand-in-provider.ts';

export interface ScrapedKeyward {
  readonly keyward: RunningKeyward;
  /** `GET /metrics`. */
  readonly scrape: () => Promise<string>;
  /** A good call, then one that is refused. */
  readonly live: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startScrapedKeyward(): Promise<ScrapedKeyward> {
  const [first, second] = [rotatingKey(1), rotatingKey(2)];
  const provider = await startStandInProvider({ keys: [first, second] });
  const clock = manualClock();
  const keyward = await startKeyward({ clock, env: { OPENROUTER_BASE_URL: provider.baseUrl } });
  const { url } = keyward.server;
  const act = async (path: string, body: AdminRequest['body']): Promise<Record<string, unknown>> => {
    const answer = await callAdmin(url, `POST /api/v1/admin/${path}`, { body });
    expect([path, answer.text, answer.status < 300]).toEqual([path, answer.text, true]);
    await keyward.caughtUp();
    // A provider is asked no more often than now and then.
    clock.pass(120_000);
    return answer.body;
  };
  await act('providers/openrouter/set-key', { api_key: first, source: 'database' });
  await act('providers/openrouter/rotations', { api_key: second, canary_percent: 100 });
  await act('providers/openrouter/rotations/open/test', {});
  await act('providers/openrouter/rotations/open/canary', { percent: 100 });
  const { channel } = await act('alert-channels', { name: 'the log', kind: 'log' });
  await act(`alert-channels/${String((channel as { id: number }).id)}/test`, {});
  return {
    keyward,
    scrape: async () => (await fetch(`${url}/metrics`)).text(),
    live: async () => {
      provider.setKeys([first, second]);
      expect((await keyward.chat()).status).toBe(200);
      provider.setKeys([]);
      expect((await keyward.chat()).status).toBe(502);
    },
    stop: async () => {
      await keyward.stop();
      await provider.close();
    },
  };
}
