/**
 * Two instances on one PostgreSQL: a rate is one rate for both, a token that is revoked at one is refused by both, and
 * so is a key of a user where a provider takes none any more.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revokeToken } from '../../src/auth/token-store.ts';
import { callAdmin } from '../support/administered-keyward.ts';
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

test('a provider that takes no keys of users any more takes none at both, and again when it does', async () => {
  const ownKey = ['sk', 'or', 'v1', 'b'.repeat(64)].join('-');
  provider.setKeys([providerKey, ownKey]);
  await here.sql(
    `INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, is_validated)
     SELECT 'ada', id, $1, true FROM llm_providers WHERE provider_slug = 'openrouter'`,
    [here.encrypt(ownKey)],
  );
  const token = await limitedToken(here, { owner: 'ada' });
  await there.caughtUp();
  const sources = async () =>
    Promise.all(
      [here, there].map(async (keyward) => (await ask(keyward, token)).headers.get('x-keyward-key-source')),
    );
  expect(await sources()).toEqual(['byok', 'byok']);
  for (const [isSupported, source] of [
    [false, 'environment'],
    [true, 'byok'],
  ] as const) {
    // Its answer comes when both serve it.
    const answer = await callAdmin(here.server.url, 'PATCH /api/v1/admin/providers/openrouter?wait=applied', {
      body: { is_byok_supported: isSupported },
    });
    expect([answer.status, answer.body]).toMatchObject([200, { applied: { live: 2, behind: [] } }]);
    expect(await sources()).toEqual([source, source]);
  }
});
