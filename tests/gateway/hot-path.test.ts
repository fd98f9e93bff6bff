import { describe, expect, test } from 'vitest';
import { heartbeatMs } from '../../src/keys/instances.ts';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';

/**
 * An instance that reports itself sends two statements; its watch over the audit trail two more, as often, and
 * the clock of the rotations one. The clock of the health watch sends two in twice the time, and what calls said
 * of keys is written every half a minute.
 */
const statementsPerHeartbeat = 7;
/** What was used is written each second, however many requests used it: one transaction of three statements. */
const statementsPerUsageBatch = 5;

describe.each(['embedded', 'postgres'] as const)('on the engine %s', (engine) => {
  const room = gatewayAndProvider({ SNAPSHOT_POLL_MS: '3600000' }, engine);

  test('no request of any kind asks the database anything', async () => {
    const { database } = room.keyward.server.installation;
    await untilQuiet(() => database.queriesSent());
    const began = performance.now();
    const before = database.queriesSent();
    const requests = 300;
    const kinds = [
      async () => room.keyward.chat(),
      async () => room.keyward.chat({ model: 'openrouter/m', messages: [], stream: true }),
      async () => room.keyward.chat({ model: 'nobody/m' }),
      async () => room.keyward.chat({ model: 'bare-name' }),
      async () => room.keyward.chat({ model: 'groq/no-key' }),
      async () => room.keyward.chat('{'),
      async () =>
        room.keyward.chat(undefined, { headers: { authorization: 'Bearer wrong-token-0123456789' } }),
    ];
    for (let turn = 0; turn < requests; turn += kinds.length) {
      const responses = await Promise.all(kinds.map(async (ask) => ask()));
      expect(responses.map(({ status }) => status)).toEqual([200, 200, 404, 404, 503, 400, 401]);
      await Promise.all(responses.map(async (response) => response.arrayBuffer()));
    }
    const elapsedMs = performance.now() - began;
    const allowed =
      Math.ceil(elapsedMs / heartbeatMs) * statementsPerHeartbeat +
      (Math.ceil(elapsedMs / 1_000) + 2) * statementsPerUsageBatch;
    expect(database.queriesSent() - before).toBeLessThanOrEqual(allowed);
    expect(allowed).toBeLessThan(requests);
  });
});

/** A start has work of its own to do: looks until nothing was sent between two looks. */
async function untilQuiet(sent: () => number): Promise<void> {
  let before = -1;
  await expect
    .poll(
      () => {
        const isQuiet = sent() === before;
        before = sent();
        return isQuiet;
      },
      { interval: 1_000, timeout: 20_000 },
    )
    .toBe(true);
}
