/**
 * The composition root: builds each room once, hands it what it needs, and takes all of them down again in
 * order. The installation that they stand on is closed by whoever opened it.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createAdminApi } from './admin-api/app.ts';
import { systemActor } from './audit/actors.ts';
import { AuditWatch } from './audit/audit-watch.ts';
import { openAnchor } from './audit/open-anchor.ts';
import { createAdminAuth, type AdminAuth } from './auth/admin-auth.ts';
import type { TokenKind } from './auth/token.ts';
import { createFirstToken } from './auth/token-store.ts';
import { showStoredKey } from './crypto/stored-key.ts';
import type { Logger } from './foundation/logger.ts';
import type { Secret } from './foundation/secret.ts';
import { version } from './foundation/version.ts';
import type { RequestHandler } from './front-door.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { gatewayMetrics } from './gateway/gateway-metrics.ts';
import type { Installation } from './installation.ts';
import { heartbeatMs, newInstanceId, removeInstance, reportInstance } from './keys/instances.ts';
import { loadSnapshot } from './keys/load-snapshot.ts';
import type { Snapshot } from './keys/snapshot.ts';
import { SnapshotKeeper } from './keys/snapshot-keeper.ts';
import { remarkTeller } from './keys/tell-remarks.ts';

export interface RoomsOptions {
  readonly log: Logger;
  /** Told of every snapshot, so that whoever writes logs knows the secrets to keep out of them. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
}

export interface FirstTokens {
  readonly admin: Secret | undefined;
  readonly gateway: Secret | undefined;
}

export interface Rooms {
  readonly handle: RequestHandler;
  readonly snapshot: () => Snapshot;
  /** Tokens that this start made: the only chance to show them. */
  readonly firstTokens: FirstTokens;
  /** Requests are still answered, each as the last one of its connection. */
  beginStop(): void;
  /** Leaves the installation open, whose last words it writes there. */
  close(): Promise<void>;
}

/** Builds the rooms of a server. Whatever fails, what was begun is ended again; the installation stays to be closed. */
export async function openRooms(
  installation: Installation,
  { log, onSnapshot }: RoomsOptions,
): Promise<Rooms> {
  const { config, database, keyRing, fingerprinter, audit, bindings, clock } = installation;
  const id = newInstanceId();
  const startedAt = clock.now();
  let stopping = false;
  const report = async (): Promise<void> => {
    if (stopping) return;
    const instance = { id, version, snapshot: keeper.current() };
    await reportInstance(database.kysely, instance).catch((error: unknown) => {
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
      void report();
      auditWatch.wake();
    },
  });
  const auditWatch = watchAudit(installation, log, id);
  const registry = createRegistry(keeper, installation);
  const gateway = createGateway({
    config,
    log,
    snapshot: () => keeper.current(),
    refresh: () => void keeper.refresh(),
    metrics: gatewayMetrics(registry),
    clock,
  });
  const auth = await createAdminAuth({ config, db: database.kysely, audit, ring: keyRing.ring, clock, log });
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
    auditFault: () => auditWatch.fault(),
    auth,
  });
  const close = async (): Promise<void> => {
    await closeRooms({ gateway, keeper, auditWatch, auth, installation, id });
    await adminApi.close();
  };
  // Last of all, so that a start which is killed before it can show them has hardly ever made them.
  const firstToken = async (kind: TokenKind, configured: Secret | undefined): Promise<Secret | undefined> =>
    configured === undefined
      ? createFirstToken(database.kysely, audit, { actor: systemActor(id) }, kind)
      : undefined;
  let firstTokens: FirstTokens;
  try {
    await keeper.start();
    firstTokens = {
      admin: await firstToken('admin', config.adminToken),
      gateway: await firstToken('gateway', config.gatewayToken),
    };
    auditWatch.start();
    await keeper.refresh();
    // From its first answer on, who waits for all instances waits for this one too.
    await report();
  } catch (error) {
    await close();
    throw error;
  }
  const heartbeat = setInterval(() => void report(), heartbeatMs);
  return {
    firstTokens,
    snapshot: () => keeper.current(),
    handle: (request, response) => {
      // A caller who always has a next request would otherwise hold the connection, and the stop, until the cut.
      if (stopping) response.setHeader('connection', 'close');
      if (gateway.serves(request.url ?? '')) gateway.handle(request, response);
      else adminApi.routing(request, response);
    },
    beginStop: () => {
      stopping = true;
      clearInterval(heartbeat);
    },
    close,
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
