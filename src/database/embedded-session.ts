/**
 * Shares the one session of the embedded engine among many connections. A connection holds the
 * session from its first message until it is idle again (outside a transaction, nothing half-sent),
 * so statements and transactions of different connections never mix; what it set is reset when it leaves.
 */
import type { PGlite } from '@electric-sql/pglite';
import { forgetStatements } from './statement-names.ts';
import { cStrings, frame, FrameReader } from './wire-frames.ts';

/** What the session needs of a connection. */
export interface Tenant {
  write(bytes: Buffer): void;
  /** Ends the connection; called when it holds the session for too long. */
  evict(reason: string): void;
  /** True once it has run LISTEN: only then may notifications be sent to it. */
  listening: boolean;
  /** What stands before the names of its prepared statements; of no other connection. */
  readonly statementPrefix: string;
}

const idleStatus = 'I'.charCodeAt(0);

/**
 * Follows every exchange: the engine ends, and takes the process with it, when it has to wait for data.
 * Where nothing waits for data it is ignored; a COPY FROM STDIN it makes fail with these words.
 */
const noMoreData = frame('f', cStrings('the embedded database has no COPY FROM STDIN, use INSERT'));

/** Makes what was left without a Sync fail rather than commit: no statement begins like this. */
const giveUp = Buffer.concat([
  frame('P', Buffer.concat([cStrings('', 'the connection is gone'), Buffer.alloc(2)])),
  frame('S', Buffer.alloc(0)),
]);

export class EmbeddedSession {
  readonly #engine: PGlite;
  readonly #tenants = new Set<Tenant>();
  readonly #waiting: { tenant: Tenant; grant: () => void }[] = [];
  readonly #maxHoldMs: number;
  #holder: Tenant | undefined;
  #holdTimer: NodeJS.Timeout | undefined;

  /** @param maxHoldMs how long a connection may sit idle inside a transaction before it is ended */
  constructor(engine: PGlite, maxHoldMs: number) {
    this.#engine = engine;
    this.#maxHoldMs = maxHoldMs;
  }

  join(tenant: Tenant): void {
    this.#tenants.add(tenant);
  }

  /** Runs one exchange (whole messages up to a point where the server answers) for this connection. */
  async exchange(tenant: Tenant, messages: Buffer): Promise<void> {
    await this.#acquire(tenant);
    clearTimeout(this.#holdTimer);
    const output = Buffer.from(await this.#engine.execProtocolRaw(Buffer.concat([messages, noMoreData])));
    if (this.#deliver(tenant, output)) {
      this.#release();
    } else {
      this.#holdTimer = setTimeout(() => {
        tenant.evict('idle in a transaction for too long');
      }, this.#maxHoldMs).unref();
    }
  }

  /** The connection is gone: what it left open is rolled back and what it set is reset. */
  async leave(tenant: Tenant): Promise<void> {
    if (!this.#tenants.delete(tenant)) return;
    await this.#acquire(tenant);
    try {
      await this.#reset(tenant);
    } finally {
      this.#release();
    }
  }

  async #acquire(tenant: Tenant): Promise<void> {
    if (this.#holder === tenant) return;
    if (this.#holder === undefined) {
      this.#holder = tenant;
      return;
    }
    await new Promise<void>((grant) => this.#waiting.push({ tenant, grant }));
  }

  #release(): void {
    clearTimeout(this.#holdTimer);
    this.#holdTimer = undefined;
    const next = this.#waiting.shift();
    this.#holder = next?.tenant;
    next?.grant();
  }

  async #reset({ statementPrefix }: Tenant): Promise<void> {
    if (this.#engine.closed) return;
    await this.#engine.execProtocolRaw(giveUp);
    if (this.#engine.isInTransaction()) await this.#engine.exec('ROLLBACK');
    await this.#engine.exec('SET SESSION AUTHORIZATION postgres; RESET ALL');
    await this.#engine.exec(forgetStatements(statementPrefix));
  }

  /** Sends the answer, hands notifications to those who listen; true when the session is idle again. */
  #deliver(tenant: Tenant, output: Buffer): boolean {
    let idle = false;
    const own: Buffer[] = [];
    for (const message of new FrameReader().read(output, () => false)) {
      if (message.type === 'A') {
        for (const other of this.#tenants) if (other.listening) other.write(message.bytes);
        continue;
      }
      if (message.type === 'C' && message.bytes.toString('latin1', 5, 12) === 'LISTEN\0')
        tenant.listening = true;
      if (message.type === 'Z') idle = message.bytes[5] === idleStatus;
      own.push(message.bytes);
    }
    if (own.length > 0) tenant.write(Buffer.concat(own));
    return idle;
  }
}

/** What the engine tells a connection at start: no password, its parameters, ready. */
export function greeting(serverVersion: string): Buffer {
  const parameters: [string, string][] = [
    ['server_version', serverVersion],
    ['server_encoding', 'UTF8'],
    ['client_encoding', 'UTF8'],
    ['DateStyle', 'ISO, MDY'],
    ['IntervalStyle', 'postgres'],
    ['TimeZone', 'UTC'],
    ['integer_datetimes', 'on'],
    ['standard_conforming_strings', 'on'],
    ['in_hot_standby', 'off'],
    ['is_superuser', 'on'],
    ['session_authorization', 'postgres'],
  ];
  return Buffer.concat([
    frame('R', Buffer.alloc(4)),
    ...parameters.map((pair) => frame('S', cStrings(...pair))),
    frame('K', Buffer.alloc(8)),
    frame('Z', Buffer.from('I')),
  ]);
}
