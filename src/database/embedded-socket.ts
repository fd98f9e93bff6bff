/**
 * The embedded engine's door: a Unix socket in the data directory that speaks the PostgreSQL protocol,
 * so that the server, the command line, psql and any driver reach it by one code path. Only the
 * owner of the directory (mode 0700) can open it.
 */
import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { EmbeddedSession, greeting, type Tenant } from './embedded-session.ts';
import { renameStatement } from './statement-names.ts';
import { cStrings, frame, FrameReader } from './wire-frames.ts';

const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
const protocol3 = 3;

/** Messages after which the server answers: query, sync, flush, function call. */
const answered = new Set(['Q', 'S', 'H', 'F']);
/** Parse, bind, describe, execute, close: answered with what follows them. */
const gathered = new Set(['P', 'B', 'D', 'E', 'C']);
/** What a client still sends after its COPY was refused. */
const copyData = new Set(['d', 'c', 'f']);

const idleInTransactionMs = 30_000;
/** How long a connection that was refused may take to close its end. */
const farewellMs = 1_000;

export interface EmbeddedSocket {
  /** Stops listening; ends the connections that are still there when the patience is over. */
  close(patienceMs: number): Promise<void>;
}

/**
 * Listens on a Unix socket at `path` (at most 103 bytes) for the engine.
 * @param maxHoldMs how long a connection may sit idle inside a transaction before it is ended
 */
export async function serveEmbedded(
  engine: PGlite,
  path: string,
  maxHoldMs = idleInTransactionMs,
): Promise<EmbeddedSocket> {
  const versions = await engine.query<{ server_version: string }>('SHOW server_version');
  const hello = greeting(versions.rows[0]?.server_version ?? '18');
  const session = new EmbeddedSession(engine, maxHoldMs);
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    accepted += 1;
    const connection = serveConnection(session, socket, hello, `kw${accepted}.`);
    socket.on('close', () => {
      sockets.delete(socket);
      // It fails only when the engine is closing under it; then there is nothing left to reset.
      connection.left().catch(() => undefined);
    });
  });
  await listenForOwner(server, path);
  return {
    close: async (patienceMs) => {
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, patienceMs);
      await new Promise((resolve) => server.close(resolve));
      clearTimeout(cut);
      await rm(path, { force: true });
    },
  };
}

const draftPrefix = '.s-';

/**
 * For the owner alone whatever the umask says, and from the first moment: the socket is made in a directory
 * that nobody else may enter. In its place it replaces what a killed owner left.
 */
async function listenForOwner(server: Server, path: string): Promise<void> {
  // Of starts that were killed; whoever serves here has the lock, so they are nobody's.
  const left = (await readdir(dirname(path))).filter((name) => name.startsWith(draftPrefix));
  await Promise.all(left.map(async (name) => rm(join(dirname(path), name), { recursive: true })));
  const directory = await mkdtemp(join(dirname(path), draftPrefix));
  const draft = join(directory, 's');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(draft, resolve);
    });
    await chmod(draft, 0o600);
    await rename(draft, path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function serveConnection(
  session: EmbeddedSession,
  socket: Socket,
  hello: Buffer,
  statementPrefix: string,
): { left(): Promise<void> } {
  const reader = new FrameReader();
  let started = false;
  let batch: Buffer[] = [];
  let work: Promise<void> = Promise.resolve();

  const refuse = (message: string): void => {
    const fields = cStrings('SFATAL', 'VFATAL', 'C57P01', `M${message}`);
    socket.end(frame('E', Buffer.concat([fields, Buffer.alloc(1)])));
    // A client that is stopped or stuck would never close its end, and keep the session for ever.
    setTimeout(() => socket.destroy(), farewellMs).unref();
  };
  const tenant: Tenant = {
    listening: false,
    statementPrefix,
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    evict: refuse,
  };

  const start = (bytes: Buffer): void => {
    const code = bytes.readInt32BE(4);
    if (code === sslRequest || code === gssRequest) {
      socket.write('N');
    } else if (code === cancelRequest) {
      socket.end();
    } else if (code >>> 16 === protocol3) {
      started = true;
      session.join(tenant);
      socket.write(hello);
    } else {
      refuse('unsupported protocol version');
    }
  };

  const take = (type: string, bytes: Buffer): void => {
    if (type === 'X') {
      socket.end();
      return;
    }
    if (copyData.has(type)) return;
    if (!answered.has(type) && !gathered.has(type)) {
      // The engine would end of it.
      refuse('unknown message type');
      return;
    }
    batch.push(Buffer.from(renameStatement(statementPrefix, type, bytes)));
    if (!answered.has(type)) return;
    const exchange = Buffer.concat(batch);
    batch = [];
    work = work
      .then(() => session.exchange(tenant, exchange))
      .catch((error: unknown) => {
        refuse(error instanceof Error ? error.message : 'the embedded engine failed');
      });
  };

  socket.on('data', (chunk) => {
    try {
      for (const { type, bytes } of reader.read(chunk, () => !started)) {
        if (started) take(type, bytes);
        else start(bytes);
      }
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
  return {
    left: async () => {
      batch = [];
      await work;
      await session.leave(tenant);
    },
  };
}
