/**
 * A TCP link to a server that can be cut, frozen and mended: the network between Keyward and its
 * database, as it behaves when a machine dies, a cable is pulled or a firewall forgets a connection.
 */
import { once } from 'node:events';
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';

export class BreakableLink {
  readonly #server: Server;
  readonly #target: NetConnectOpts;
  readonly #pairs = new Set<readonly [near: Socket, far: Socket]>();
  #state: 'whole' | 'cut' | 'frozen' = 'whole';
  #attempts = 0;

  constructor(target: NetConnectOpts) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  async listen(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How often somebody has connected since the start, whether it worked or not. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Ends every connection; new ones are ended at once. */
  cut(): void {
    this.#state = 'cut';
    this.#endAll();
  }

  /** Connections stay open and nothing travels on them any more; new ones are accepted and get no answer. */
  freeze(): void {
    this.#state = 'frozen';
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  /** Connections go silent for ever, as behind a firewall that forgot them; new ones work. */
  forget(): void {
    this.freeze();
    this.#state = 'whole';
  }

  /** New connections work again; frozen ones end. */
  mend(): void {
    this.#state = 'whole';
    this.#endAll();
  }

  async close(): Promise<void> {
    this.#endAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    this.#attempts += 1;
    near.on('error', () => undefined);
    if (this.#state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(this.#target);
    far.on('error', () => undefined);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.once('close', end);
    far.once('close', end);
    if (this.#state === 'whole') near.pipe(far).pipe(near);
  }

  #endAll(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }
}

export async function startBreakableLink(target: NetConnectOpts): Promise<BreakableLink> {
  const link = new BreakableLink(target);
  await link.listen();
  return link;
}
