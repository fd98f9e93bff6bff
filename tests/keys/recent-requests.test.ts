/** Requests are counted by provider for an hour, to the minute, and over all servers that run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestsLastHour } from '../../src/keys/instances.ts';
import { RecentRequests } from '../../src/keys/recent-requests.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const minute = 60_000;

describe('the requests of the last hour', () => {
  it('are counted by provider, and forgotten after sixty minutes', () => {
    const clock = manualClock();
    const requests = new RecentRequests(clock);
    expect(requests.lastHour()).toEqual({});
    requests.count('groq');
    clock.pass(10 * minute);
    requests.count('groq');
    requests.count('groq');
    requests.count('openai');
    clock.pass(49 * minute);
    expect(requests.lastHour()).toEqual({ groq: 3, openai: 1 });
    clock.pass(minute);
    expect(requests.lastHour()).toEqual({ groq: 2, openai: 1 });
    // The place of the first minute is used again.
    requests.count('groq');
    expect(requests.lastHour()).toEqual({ groq: 3, openai: 1 });
    clock.pass(10 * minute);
    expect(requests.lastHour()).toEqual({ groq: 1, openai: 0 });
    clock.pass(500 * minute);
    expect(requests.lastHour()).toEqual({ groq: 0, openai: 0 });
  });
});

describe('over two servers', () => {
  let place: Place;
  let provider: StandInProvider;
  let servers: RunningKeyward[] = [];
  const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
  beforeAll(async () => {
    provider = await startStandInProvider({ keys: [key] });
    place = await newPlace('postgres');
    const env = { OPENROUTER_API_KEY: key, OPENROUTER_BASE_URL: provider.baseUrl };
    servers = [await startKeyward({ place, env }), await startKeyward({ place, env })];
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await provider.close();
    await place.remove();
  });

  it('they add up, those that no key serves too', async () => {
    const [one, other] = servers as [RunningKeyward, RunningKeyward];
    const { database } = one.server.installation;
    for (let times = 0; times < 3; times += 1) await one.chat();
    await other.chat();
    await other.chat({ model: 'groq/llama', messages: [{ role: 'user', content: 'Hello' }] });
    await other.chat({ model: 'nobody/llama', messages: [{ role: 'user', content: 'Hello' }] });
    const counted = async () => {
      const requests = await requestsLastHour(database.kysely);
      return [requests.get('openrouter'), requests.get('groq'), requests.get('openai')];
    };
    await expect.poll(counted, { timeout: 20_000 }).toEqual([4, 1, 0]);
  });
});
