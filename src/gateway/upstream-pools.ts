/**
 * One pool of connections for each provider origin, made at the first request to it. HTTP/1.1 only and
 * no redirects: a key goes to the host that was chosen and to no other.
 */
import { Pool } from 'undici';
import type { Config } from '../foundation/config.ts';

export class UpstreamPools {
  readonly #pools = new Map<string, Pool>();
  readonly #limits: Config['upstream'];

  constructor(limits: Config['upstream']) {
    this.#limits = limits;
  }

  /** @param origin scheme, host and port */
  for(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    const pool = new Pool(origin, {
      connections: this.#limits.maxConnections,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: this.#limits.connectTimeoutMs },
      headersTimeout: this.#limits.firstByteTimeoutMs,
      bodyTimeout: this.#limits.idleTimeoutMs,
    });
    this.#pools.set(origin, pool);
    return pool;
  }

  /** Ends every connection; requests in flight end with an error. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(async (pool) => pool.destroy()));
  }
}
