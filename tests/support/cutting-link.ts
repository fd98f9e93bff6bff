/**
 * A link to a PostgreSQL that counts what a client asks and cuts the connection at one of these requests:
 * what the server sees of a client that is killed there, and the client of a server that is.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { FrameReader } from '../../src/database/wire-frames.ts';

/** withheld: the request never arrives. unheard: it is carried out, and its answer never arrives. */
export type Cut = 'withheld' | 'unheard';

export interface CuttingLink {
  readonly port: number;
  /** How many requests came so far: a simple query, or a Sync. */
  requests(): number;
  close(): Promise<void>;
}

const requestTypes = new Set(['Q', 'S']);

/** @param at the number of the request at which it cuts, from 1; never, where absent */
export async function startCuttingLink(
  target: NetConnectOpts,
  { at = Number.POSITIVE_INFINITY, how = 'withheld' }: { at?: number; how?: Cut } = {},
): Promise<CuttingLink> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target);
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', end).on('close', end);
    }
    const asked = new FrameReader();
    const answered = new FrameReader();
    let started = false;
    let deaf = false;
    near.on('data', (chunk) => {
      for (const { type, bytes } of asked.read(chunk, () => !started)) {
        started = true;
        if (requestTypes.has(type)) requests += 1;
        if (requests >= at) {
          if (how === 'withheld') return end();
          deaf = true;
        }
        far.write(bytes);
      }
    });
    far.on('data', (chunk) => {
      if (!deaf) near.write(chunk);
      else if ([...answered.read(chunk, () => false)].some(({ type }) => type === 'Z')) end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
