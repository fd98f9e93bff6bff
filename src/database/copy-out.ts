/**
 * COPY … TO STDOUT as a statement like any other: its answer is one row, a buffer of all that came. It costs
 * a fraction of what rows and columns cost, on both sides.
 */
import type pg from 'pg';

const copyToStdout = /^\s*COPY\s[\s\S]+\sTO\s+STDOUT\b/i;
const firstBytes = 64 * 1024;

export function isCopyOut(statement: string): boolean {
  return copyToStdout.test(statement);
}

/**
 * Runs it on this connection.
 * @throws what the driver throws of any statement
 */
export async function copyOut(client: pg.PoolClient, statement: string): Promise<pg.QueryResult> {
  const row = await new Promise<Buffer>((resolve, reject) => {
    client.query(new CopyOut(statement, resolve, reject));
  });
  return { command: 'COPY', rowCount: null, oid: 0, fields: [], rows: [row] };
}

/** What the driver asks of whoever has the connection. */
class CopyOut implements pg.Submittable {
  readonly #statement: string;
  readonly #resolve: (data: Buffer) => void;
  readonly #reject: (error: Error) => void;
  #data = Buffer.allocUnsafeSlow(firstBytes);
  #length = 0;
  /** The driver puts its time limit here. */
  callback: (error?: Error) => void = () => undefined;

  constructor(statement: string, resolve: (data: Buffer) => void, reject: (error: Error) => void) {
    this.#statement = statement;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#statement);
  }

  /** Copied at once, since the driver uses its memory again. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    const length = this.#length + chunk.length;
    if (length > this.#data.length) {
      const larger = Buffer.allocUnsafeSlow(length * 2);
      this.#data.copy(larger, 0, 0, this.#length);
      this.#data = larger;
    }
    chunk.copy(this.#data, this.#length);
    this.#length = length;
  }

  handleCommandComplete(): void {
    // What counts is that the connection is ready again.
  }

  handleError(error: Error): void {
    this.callback(error);
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.callback();
    this.#resolve(this.#data.subarray(0, this.#length));
  }
}
