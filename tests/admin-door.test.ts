import { request as openRequest } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { newPlace, startKeyward } from './support/running-keyward.ts';

const leftovers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of leftovers.splice(0).toReversed()) await end();
});

async function justStarted() {
  const keyward = await startKeyward({ place: await newPlace('embedded') });
  leftovers.push(async () => keyward.stop());
  return keyward;
}

test('health is answered from the first moment, to nobody by a foreign name', async () => {
  const { url } = (await justStarted()).server;
  const [live, ready, foreign] = await Promise.all([
    fetch(`${url}/health/live`),
    fetch(`${url}/health/ready`),
    askAs('evil.example', `${url}/health/ready`),
  ]);
  expect(ready.status).toBe(200);
  expect(await live.json()).toEqual({ status: 'live' });
  expect(await ready.json()).toMatchObject({ status: 'ready', checks: { database: { status: 'ok' } } });
  expect(foreign).toBe(403);
});

test('the first requests of administrators are answered, all of them', async () => {
  const { url } = (await justStarted()).server;
  const answers = await Promise.all(
    ['/api/v1/admin/status', '/metrics', '/api/docs', '/nowhere'].map(async (path) => fetch(url + path)),
  );
  expect(answers.map(({ status }) => status)).toEqual([401, 200, 200, 404]);
  expect((await fetch(`${url}/health/ready`)).headers.get('x-content-type-options')).toBe('nosniff');
});

async function askAs(host: string, url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    openRequest(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
