/** Connections are shared by those who may go to the same place under the same rule, and by nobody else. */
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/foundation/config.ts';
import { UpstreamPools } from '../../src/gateway/upstream-pools.ts';

const at = (origin: string, allowPrivateNetwork: boolean) => ({ origin, allowPrivateNetwork });

test('one origin under one rule has one pool', async () => {
  const pools = new UpstreamPools(loadConfig({}).upstream);
  const pool = pools.for(at('https://llm.example', false));
  expect(pools.for(at('https://llm.example', false))).toBe(pool);
  expect(pools.for(at('https://llm.example:8443', false))).not.toBe(pool);
  await pools.close();
});

test('what one provider is allowed opens no connection for another', async () => {
  const pools = new UpstreamPools(loadConfig({}).upstream);
  const allowed = pools.for(at('https://llm.example', true));
  expect(pools.for(at('https://llm.example', false))).not.toBe(allowed);
  await pools.close();
  expect(allowed.destroyed).toBe(true);
});
