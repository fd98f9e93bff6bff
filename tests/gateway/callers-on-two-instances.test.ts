/** Two instances on one PostgreSQL: a rate is one rate for both, and a token that is revoked at one is refused by both. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revokeToken } from '../../src/auth/token-store.ts';
import { occasionOfTests } from '../support/audited.ts';
import { providerKey } from '../support/gateway-and-provider.ts';
import { limitedToken, type LimitedToken } from '../support/limited-tokens.ts';
import { newPlace, startKeyward, type Place, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

let provider: StandInProvider;
let place: Place;
let here: RunningKeyward;
let there: RunningKeyward;

beforeAll(async () => {
  provider = await startStandInProvider({ keys: [providerKey] });
  place = await newPlace('postgres');
  const env = { OPENROUTER_API_KEY: providerKey, OPENROUTER_BASE_URL: provider.baseUrl };
  here = await startKeyward({ place, env });
  there = await startKeyward({ place, env });
});

afterAll(async () => {
  await there.stop();
  await here.stop();
  await place.remove();
  await provider.close();
});

const ask = async (keyward: RunningKeyward, { headers }: LimitedToken) =>
  keyward.chat(undefined, { headers });

test('a token that has used up its rate at one instance is refused by the other', async () => {
  const token = await limitedToken(here, { requestsPerMinute: 200 });
  await there.caughtUp();
  await expect
    .poll(
      async () => {
        // A minute may end in between, so it is used up again. The other is asked far less often than 200 times.
        while ((await ask(here, token)).status === 200);
        return (await ask(there, token)).status;
      },
      { interval: 500, timeout: 30_000 },
    )
    .toBe(429);
});

test('a token that is revoked is refused by both as soon as they have caught up', async () => {
  const token = await limitedToken(here, {});
  await there.caughtUp();
  const statuses = async () => [(await ask(here, token)).status, (await ask(there, token)).status];
  expect(await statuses()).toEqual([200, 200]);
  await revokeToken(here.server.installation.audit, occasionOfTests, token.id);
  await here.caughtUp();
  await there.caughtUp();
  expect(await statuses()).toEqual([401, 401]);
});
