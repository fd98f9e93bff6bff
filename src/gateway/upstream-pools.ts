/**
 * One pool of connections for each provider origin and each rule of where its name may lead, made at the
 * first request to it: what one provider is allowed opens no connection for another. HTTP/1.1 only and no
 * redirects: a key goes to the host that was chosen and to no other.
 */
import { Pool } from 'undici';
import type { Config } from '../foundation/config.ts';
import { guardedConnect } from '../foundation/guarded-connect.ts';
import { providerHighWaterMark } from '../foundation/stream-high-water-mark.ts';
import type { Upstream } from '../keys/upstream-address.ts';

type Pools = Map<string, Pool>;

export class UpstreamPools {
  readonly #public: Pools = new Map();
  /** Those that may connect into private networks too. */
  readonly #private: Pools = new Map();
  readonly #limits: Config['upstream'];

  constructor(limits: Config['upstream']) {
    this.#limits = limits;
  }

  for(upstream: Pick<Upstream, 'origin' | 'allowPrivateNetwork'>): Pool {
    const { origin, allowPrivateNetwork } = upstream;
    const pools = allowPrivateNetwork ? this.#private : this.#public;
    const known = pools.get(origin);
    if (known !== undefined) return known;
    // Handed on to net.connect and tls.connect; undici's types do not name the mark.
    const connect = {
      ...guardedConnect(upstream, this.#limits.connectTimeoutMs),
      highWaterMark: providerHighWaterMark,
    };
    const pool = new Pool(origin, {
      connections: this.#limits.maxConnections,
      pipelining: 1,
      allowH2: false,
      connect,
      headersTimeout: this.#limits.firstByteTimeoutMs,
      bodyTimeout: this.#limits.idleTimeoutMs,
    });
    pools.set(origin, pool);
    return pool;
  }

  /** Ends every connection; requests in flight end with an error. */
  async close(): Promise<void> {
    const all = [...this.#public.values(), ...this.#private.values()];
    await Promise.all(all.map(async (pool) => pool.destroy()));
  }
}
