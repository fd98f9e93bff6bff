/** wait=applied: the answer comes when every running instance serves the change, or names those that do not. */
import { afterEach, expect, test } from 'vitest';
import { callAdmin, firstKey } from '../support/administered-keyward.ts';
import { startServerProcess } from '../support/keyward-process.ts';
import { newPlace, startKeyward } from '../support/running-keyward.ts';

const setKey = 'POST /api/v1/admin/providers/openrouter/set-key';

const leftovers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of leftovers.splice(0).toReversed()) await end();
});

async function twoInstances() {
  const place = await newPlace('postgres');
  leftovers.push(async () => place.remove());
  const here = await startKeyward({ place });
  leftovers.push(async () => here.stop());
  const other = startServerProcess(place.environment);
  leftovers.push(async () => {
    other.kill('SIGKILL');
    return other.ended();
  });
  return { here, other, otherUrl: await other.url() };
}

test('both instances serve the key before the answer, and both say so', { timeout: 60_000 }, async () => {
  const { here, otherUrl } = await twoInstances();
  const answer = await callAdmin(here.server.url, `${setKey}?wait=applied`, {
    body: { api_key: firstKey, skip_test: true },
  });
  expect(answer.body).toMatchObject({ applied: { live: 2, behind: [] } });
  const status = await callAdmin(otherUrl, 'GET /api/v1/admin/providers/openrouter/key-status');
  const serves = { source: 'database', fingerprint: answer.body['fingerprint'] };
  expect(status.body['instances']).toMatchObject([
    { up_to_date: true, serves },
    { up_to_date: true, serves },
  ]);
});

test('an instance that hangs is named after ten seconds', { timeout: 60_000 }, async () => {
  const { here, other } = await twoInstances();
  other.kill('SIGSTOP');
  const answer = await callAdmin(here.server.url, `${setKey}?wait=applied`, {
    body: { api_key: firstKey, skip_test: true },
  });
  expect(answer.body).toMatchObject({ applied: { live: 2, behind: [{ pid: other.pid }] } });
});

test('without it the answer does not wait', { timeout: 60_000 }, async () => {
  const { here, other } = await twoInstances();
  other.kill('SIGSTOP');
  const answer = await callAdmin(here.server.url, setKey, { body: { api_key: firstKey, skip_test: true } });
  expect(answer.body).toMatchObject({ applied: null, revision: expect.any(Number) as number });
});
