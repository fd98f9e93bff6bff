/**
 * The composition root: builds each room once, hands it what it needs, listens, and takes all of it down
 * again in order. The port is bound first, so that a start which cannot serve leaves nothing behind.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createAdminApi } from './admin-api/app.ts';
import { systemActor } from './audit/actors.ts';
import { AuditWatch } from './audit/audit-watch.ts';
import { openAnchor } from './audit/open-anchor.ts';
import { createAdminAuth, type AdminAuth } from './auth/admin-auth.ts';
import type { TokenKind } from './auth/token.ts';
import { createFirstToken } from './auth/token-store.ts';
import { showStoredKey } from './crypto/stored-key.ts';
import type { Clock } from './foundation/clock.ts';
import type { Config } from './foundation/config.ts';
import { KeywardError, UsageError } from './foundation/errors.ts';
import type { Logger } from './foundation/logger.ts';
import type { Secret } from './foundation/secret.ts';
import { version } from './foundation/version.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { gatewayMetrics } from './gateway/gateway-metrics.ts';
import { sendError, sendParseError } from './gateway/send-error.ts';
import { heartbeatMs, newInstanceId, removeInstance, reportInstance } from './keys/instances.ts';
import { loadSnapshot } from './keys/load-snapshot.ts';
import type { Snapshot } from './keys/snapshot.ts';
import { SnapshotKeeper } from './keys/snapshot-keeper.ts';
import { remarkTeller } from './keys/tell-remarks.ts';
import { openInstallation, type Installation } from './open-installation.ts';

/** Slower heads are cut off; Node looks every few seconds. */
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 300_000;

export interface RunningServer {
  readonly url: string;
  readonly installation: Installation;
  readonly snapshot: () => Snapshot;
  /** Tokens that this start made: the only chance to show them. */
  readonly firstTokens: { readonly admin: Secret | undefined; readonly gateway: Secret | undefined };
  /** Finishes what is in flight, within the configured time, and closes everything. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly log: Logger;
  readonly onProgress: (message: string) => void;
  /** Told of every snapshot, so that whoever writes logs knows the secrets to keep out of them. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly clock?: Clock;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const notReady: Handler = (request, response) => sendError(request, response, new KeywardError('not_ready'));

/** @throws UsageError with one line when it cannot start */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const route: { handle: Handler } = { handle: notReady };
  const door = openDoor(config, (request, response) => route.handle(request, response));
  const url = await listen(door.http, config);
  try {
    const installation = await openInstallation(config, {
      as: 'server',
      onProgress: options.onProgress,
      onIdleError: (error) => options.log.debug({ err: error }, 'an idle database connection broke'),
      ...(options.clock !== undefined && { clock: options.clock }),
    });
    try {
      return await assemble(installation, options, door, url, route);
    } catch (error) {
      await installation.close();
      throw error;
    }
  } catch (error) {
    door.http.closeAllConnections();
    door.http.close();
    throw error;
  }
}

async function assemble(
  installation: Installation,
  { log, onSnapshot }: ServerOptions,
  door: Door,
  url: string,
  route: { handle: Handler },
): Promise<RunningServer> {
  const { config, database, keyRing, fingerprinter, audit, bindings, clock } = installation;
  const id = newInstanceId();
  const startedAt = clock.now();
  let stopping = false;
  const report = (): void => {
    if (stopping) return;
    reportInstance(database.kysely, { id, version, snapshot: keeper.current() }).catch((error: unknown) => {
      log.debug({ err: error }, 'this instance could not report itself');
    });
  };
  const tellRemarks = remarkTeller(log);
  const keeper: SnapshotKeeper = new SnapshotKeeper({
    database,
    log,
    pollMs: config.limits.snapshotPollMs,
    load: async () =>
      loadSnapshot({ database, config, keyRing: keyRing.ring, fingerprinter, bindings, clock }),
    onReplaced: (snapshot) => {
      onSnapshot(snapshot);
      for (const [slug, problem] of snapshot.problems)
        log.warn({ provider: slug }, `a provider is set aside: ${problem}`);
      tellRemarks(snapshot);
      report();
      auditWatch.wake();
    },
  });
  const auditWatch = watchAudit(installation, log, id);
  await keeper.start();
  const heartbeat = setInterval(report, heartbeatMs);
  const registry = createRegistry(keeper, installation);
  const gateway = createGateway({
    config,
    log,
    snapshot: () => keeper.current(),
    refresh: () => void keeper.refresh(),
    metrics: gatewayMetrics(registry),
    clock,
  });
  const auth = createAdminAuth({ config, db: database.kysely, audit, ring: keyRing.ring, clock, log });
  const adminApi = await createAdminApi({
    config,
    database,
    changes: { audit, ring: keyRing.ring, fingerprinter, config, bindings },
    keeper,
    keyRing,
    registry,
    log,
    startedAt,
    clock,
    instanceId: id,
    stopping: () => stopping,
    auth,
  });
  route.handle = (request, response) => {
    // A caller who always has a next request would otherwise hold the connection, and the stop, until the cut.
    if (stopping) response.setHeader('connection', 'close');
    if (gateway.serves(request.url ?? '')) gateway.handle(request, response);
    else adminApi.routing(request, response);
  };
  // Last of all, so that a start which is killed before it can show them has hardly ever made them.
  const firstToken = async (kind: TokenKind, configured: Secret | undefined): Promise<Secret | undefined> =>
    configured === undefined
      ? createFirstToken(database.kysely, audit, { actor: systemActor(id) }, kind)
      : undefined;
  const firstTokens = {
    admin: await firstToken('admin', config.adminToken),
    gateway: await firstToken('gateway', config.gatewayToken),
  };
  auditWatch.start();
  await keeper.refresh();
  return {
    url,
    installation,
    firstTokens,
    snapshot: () => keeper.current(),
    stop: async () => {
      stopping = true;
      clearInterval(heartbeat);
      await drain(door, config.limits.shutdownTimeoutMs);
      await closeRooms({ gateway, keeper, auditWatch, auth, installation, id });
      await adminApi.close();
    },
  };
}

function watchAudit(installation: Installation, log: Logger, id: string): AuditWatch {
  const { config, database, keyRing, fingerprinter, audit, clock } = installation;
  const { ring } = keyRing;
  return new AuditWatch({
    db: database.kysely,
    audit,
    clock,
    log,
    ring,
    anchor: openAnchor(config.audit.anchor, { log, clock }),
    showKey: (token) => showStoredKey(token, ring, fingerprinter),
    occasion: { actor: systemActor(id) },
  });
}

async function closeRooms(rooms: {
  gateway: Gateway;
  keeper: SnapshotKeeper;
  auditWatch: AuditWatch;
  auth: AdminAuth;
  installation: Installation;
  id: string;
}): Promise<void> {
  await rooms.gateway.close();
  await rooms.auditWatch.stop(rooms.keeper.databaseError() === null);
  await rooms.keeper.stop();
  rooms.auth.refusals.stop();
  if (rooms.keeper.databaseError() === null) {
    await rooms.auth.refusals.flush();
    await removeInstance(rooms.installation.database.kysely, rooms.id).catch(() => undefined);
  }
  await rooms.installation.close();
}

interface Door {
  readonly http: Server;
  readonly connections: ReadonlySet<Socket>;
}

function openDoor(config: Config, handle: Handler): Door {
  const http = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 5_000,
    },
    handle,
  );
  // Told to go on, a caller would send a body that its own header already announces as too large.
  http.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) <= config.limits.maxBodyBytes)
      response.writeContinue();
    handle(request, response);
  });
  http.on('clientError', sendParseError);
  const connections = new Set<Socket>();
  http.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return { http, connections };
}

async function listen(http: Server, { host, port }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(error, host, port)));
    http.listen(port, host, resolve);
  });
  const address = http.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): UsageError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} is in use on ${host}. Stop the other program, or set PORT to a free one.`,
    EACCES: `port ${port} needs rights that this user does not have. Set PORT to one above 1023.`,
    EADDRNOTAVAIL: `this machine has no address ${host}. Set HOST to one that it has, for example 127.0.0.1.`,
    ENOTFOUND: `HOST ${host} is not a name that can be resolved.`,
  };
  return new UsageError(`Keyward cannot listen: ${reasons[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });
}

/** Lets requests in flight finish; cuts what is left when the time is up. */
async function drain({ http, connections }: Door, timeoutMs: number): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  // Browsers open connections ahead of need; Node does not count one without a request as idle.
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  // A connection that becomes idle after the close is not closed by it.
  const idle = setInterval(() => http.closeIdleConnections(), 50);
  const cut = setTimeout(() => http.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

function createRegistry(keeper: SnapshotKeeper, { database }: Installation): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => metric.set(read()) });
  };
  gauge(
    'keyward_revision',
    'The revision of the snapshot that this instance serves from.',
    () => keeper.current().revision,
  );
  gauge('keyward_database_up', '1 when the database answered the last time, else 0.', () =>
    keeper.databaseError() === null ? 1 : 0,
  );
  gauge(
    'keyward_providers_set_aside',
    'Active providers that are set aside or on a fallback.',
    () => keeper.current().problems.size,
  );
  gauge('keyward_database_queries', 'Statements sent to the database since the start.', () =>
    database.queriesSent(),
  );
  return registry;
}
