/** A name is dialled at addresses that passed the rule, whatever its DNS says, and says from one moment to the next. */
import dns, { type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Pool } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { guardedConnect, guardedLookup } from '../../src/foundation/guarded-connect.ts';

/** What the resolver says of `planted.example`, answer by answer; the last one stays. */
let answers: string[][] = [];
let asked = 0;
let server: Server;
let visits: number;

beforeEach(async () => {
  asked = 0;
  visits = 0;
  server = createServer((_request, response) => {
    visits += 1;
    response.end('here');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The system's resolver answers from the network, and these tests must not depend on one.
  vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, options: object, callback: unknown) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    if ((options as { all?: boolean }).all !== true) throw new Error('not all addresses were asked for');
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    (callback as (error: Error | null, found: LookupAddress[]) => void)(null, found);
  }) as typeof dns.lookup);
});

afterEach(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});

const port = (): number => (server.address() as AddressInfo).port;

const poolTo = (allowPrivateNetwork: boolean, host = 'planted.example'): Pool =>
  new Pool(`http://${host}:${port()}`, {
    connections: 1,
    connect: guardedConnect({ allowPrivateNetwork }, 2_000),
  });

async function get(pool: Pool): Promise<string> {
  const { body } = await pool.request({ path: '/', method: 'GET' });
  return body.text();
}

const refused = [
  ['cloud metadata', '169.254.169.254'],
  ['cloud metadata over IPv6', 'fd00:ec2::254'],
  ['mapped cloud metadata', '::ffff:169.254.169.254'],
  ['a link-local address', 'fe80::1'],
  ['nowhere', '0.0.0.0'],
  ['a group', '224.0.0.1'],
] as const;

describe('a name that resolves to', () => {
  it.each(refused)('%s (%s) is not connected to, even with every permission', async (_what, address) => {
    answers = [[address]];
    for (const allowed of [false, true]) {
      const pool = poolTo(allowed);
      await expect(get(pool)).rejects.toMatchObject({
        name: 'AddressRefusedError',
        message: expect.stringContaining(`planted.example resolves to ${address}, which leads to`) as string,
      });
      await pool.destroy();
    }
    expect(visits).toBe(0);
  });

  it.each(['10.0.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1', '64:ff9b::a00:1'])(
    'a private network (%s) is not connected to without permission',
    async (address) => {
      answers = [[address]];
      const pool = poolTo(false);
      await expect(get(pool)).rejects.toThrow(/private network; .*allow_private_network/);
      await pool.destroy();
    },
  );

  it('a private network is dialled with permission', () => {
    answers = [['10.0.0.1', 'fd12::1']];
    const called = vi.fn<Parameters<ReturnType<typeof guardedLookup>>[2]>();
    guardedLookup(true)('planted.example', { all: true }, called);
    expect(called).toHaveBeenCalledWith(null, [
      { address: '10.0.0.1', family: 4 },
      { address: 'fd12::1', family: 6 },
    ]);
  });

  it('good and bad addresses is dialled at the good ones only', async () => {
    answers = [['169.254.169.254', '10.0.0.1', '127.0.0.1', 'fe80::1']];
    const pool = poolTo(false);
    expect(await get(pool)).toBe('here');
    await pool.close();
    expect([visits, asked]).toEqual([1, 1]);
  });
});

describe('a name that changes its address', () => {
  it('between two connections is judged anew at the second', async () => {
    answers = [['127.0.0.1'], ['10.0.0.1']];
    const first = poolTo(false);
    expect(await get(first)).toBe('here');
    await first.close();
    const second = poolTo(false);
    await expect(get(second)).rejects.toThrow(/resolves to 10\.0\.0\.1/);
    await second.destroy();
    expect(visits).toBe(1);
  });

  it('between the check and the dialling changes nothing: it is asked once, and what was checked is dialled', async () => {
    answers = [['127.0.0.1'], ['169.254.169.254']];
    const socket: Socket = connect({ host: 'planted.example', port: port(), lookup: guardedLookup(false) });
    await once(socket, 'connect');
    expect([socket.remoteAddress, asked]).toEqual(['127.0.0.1', 1]);
    socket.destroy();
  });

  it('while a connection is kept alive is not even asked: the connection stays where it is', async () => {
    answers = [['127.0.0.1'], ['10.0.0.1']];
    const pool = poolTo(false);
    for (let times = 0; times < 5; times += 1) expect(await get(pool)).toBe('here');
    await pool.close();
    expect([visits, asked]).toEqual([5, 1]);
  });
});

it('localhost must be this machine, whatever a hosts file or a resolver says', async () => {
  answers = [['8.8.8.8']];
  const pool = poolTo(true, 'localhost');
  await expect(get(pool)).rejects.toThrow(
    'localhost resolves to 8.8.8.8, which leads to another machine than this one',
  );
  await pool.destroy();
});

it('one address is given where one is asked for', () => {
  answers = [['10.0.0.1', '127.0.0.1']];
  const called = vi.fn<Parameters<ReturnType<typeof guardedLookup>>[2]>();
  guardedLookup(false)('planted.example', { family: 4 }, called);
  expect(called).toHaveBeenCalledWith(null, '127.0.0.1', 4);
});

it('a name that does not resolve fails as it always did', async () => {
  vi.restoreAllMocks();
  const pool = poolTo(false, 'nowhere.invalid');
  await expect(get(pool)).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  await pool.destroy();
});
