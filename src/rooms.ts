/**
 * The composition root: builds each room once, hands it what it needs, and takes all of them down again in
 * order. The installation that they stand on is closed by whoever opened it.
 */
import type { Registry } from 'prom-client';
import { openAdminDoor } from './admin-door.ts';
import { KeyTestLimits } from './admin-api/key-test-limits.ts';
import type { Condition } from './alerts/condition.ts';
import type { DeliveryParts } from './alerts/deliver.ts';
import { systemActor } from './audit/actors.ts';
import type { AuditTrail } from './audit/audit-trail.ts';
import { AuditWatch } from './audit/audit-watch.ts';
import { RecurringWork } from './foundation/recurring-work.ts';
import { openAnchor } from './audit/open-anchor.ts';
import { createAdminAuth, type AdminAuth } from './auth/admin-auth.ts';
import type { TokenKind } from './auth/token.ts';
import { createFirstToken } from './auth/token-store.ts';
import { TokenUsage } from './auth/token-usage.ts';
import { showStoredKey } from './crypto/stored-key.ts';
import type { Logger } from './foundation/logger.ts';
import type { Secret } from './foundation/secret.ts';
import { version } from './foundation/version.ts';
import type { RequestHandler } from './front-door.ts';
import { CallerLimits } from './gateway/caller-limits.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { gatewayMetrics } from './gateway/gateway-metrics.ts';
import type { Installation } from './installation.ts';
import { HealthClock } from './jobs/health-clock.ts';
import { registerHealthMetrics } from './jobs/health-metrics.ts';
import { AlertClock } from './jobs/alert-clock.ts';
import { alertMetrics } from './jobs/alert-metrics.ts';
import { lookAround } from './jobs/known-conditions.ts';
import { RotationClock } from './jobs/rotation-clock.ts';
import type { ChangeParts } from './keys/change-provider.ts';
import { RingWatch } from './jobs/ring-watch.ts';
import { dailyTestsJob } from './keys/health/daily-tests.ts';
import { LiveWatch } from './keys/health/live-watch.ts';
import { readHealth } from './keys/health/read-health.ts';
import { heartbeatMs, newInstanceId, endInstance, reportInstance } from './keys/instances.ts';
import { admitRing } from './keys/reencryption/keys-in-use.ts';
import { loadSnapshot } from './keys/load-snapshot.ts';
import { describeFoundVersions } from './keys/rotation/found-versions.ts';
import { RecentRequests } from './keys/recent-requests.ts';
import { RotationWatch } from './keys/rotation/rotation-watch.ts';
import { keysIn, type Snapshot } from './keys/snapshot.ts';
import { SnapshotKeeper } from './keys/snapshot-keeper.ts';
import { remarkTeller } from './keys/tell-remarks.ts';
import { createRegistry } from './server-metrics.ts';
import { readSpending } from './usage/read-usage.ts';
import { openUsage, type UsageRoom } from './usage-room.ts';
import { UserKeyDesk } from './keys/user-key-desk.ts';
import { UserKeyWatch } from './keys/user-key-watch.ts';
import { UserKeyReader, type UserKeys } from './keys/user-keys.ts';

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
  /** Ends the calls to providers: callers who have heard nothing yet are told, and streams break off. */
  refuseWaiting(): Promise<void>;
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
    const [snapshot, { ring }] = [keeper.current(), keyRing];
    const instance = { id, version, snapshot, ring, requests: requests.lastHour() };
    await reportInstance(database.kysely, instance).catch((error: unknown) => {
      log.debug({ err: error }, 'this instance could not report itself');
    });
  };
  const requests = new RecentRequests(clock);
  const tellRemarks = remarkTeller(log);
  const userKeys = new UserKeyReader();
  const keeper: SnapshotKeeper = new SnapshotKeeper({
    database,
    log,
    pollMs: config.limits.snapshotPollMs,
    load: async () =>
      loadSnapshot({ database, config, keyRing: keyRing.ring, fingerprinter, bindings, clock, userKeys }),
    onReplaced: (snapshot) => {
      onSnapshot(snapshot);
      for (const [slug, problem] of snapshot.problems)
        log.warn({ provider: slug }, `a provider is set aside: ${problem}`);
      tellRemarks(snapshot);
      rotations.keepOnly(trialsIn(snapshot));
      tokenUsage.follow(snapshot.gatewayTokens);
      userKeyWatch.keepOnly(storedUserKeys(snapshot.userKeys));
      void report();
      auditWatch.wake();
      versions.wake();
    },
  });
  const auditWatch = watchAudit(installation, log, id);
  const changes = { audit, ring: keyRing.ring, fingerprinter, config, bindings };
  const occasion = { actor: systemActor(id) };
  const rotations = new RotationWatch({
    db: database.kysely,
    changes,
    log,
    instanceId: id,
    occasion,
    onMoved: () => void keeper.refresh(),
  });
  const userKeyWatch = new UserKeyWatch({ audit, clock, log, occasion });
  const tokenUsage = new TokenUsage({
    db: database.kysely,
    clock,
    log,
    readSpending: async (tokenIds, day) => readSpending(database.kysely, tokenIds, day),
  });
  const versions = watchVersions(installation, changes, log);
  const rotationClock = new RotationClock({
    changes,
    config,
    database,
    clock,
    log,
    instanceId: id,
    occasion,
  });
  const live = new LiveWatch({
    db: database.kysely,
    clock,
    log,
    onRefused: () => healthClock.wake(),
  });
  const healthClock: HealthClock = new HealthClock({
    changes,
    config,
    database,
    clock,
    log,
    instanceId: id,
    occasion,
    snapshot: () => keeper.current(),
    window: config.health.testWindow,
  });
  const ringWatch = new RingWatch({
    found: keyRing,
    log,
    accept: async (ring) => admitRing(database.kysely, ring, keyRing.from),
    onReplaced: () => {
      void keeper.reload();
      auditWatch.wake();
    },
  });
  const registry = createRegistry(keeper, installation);
  registerHealthMetrics(registry, {
    read: async () => readHealth({ config, changes, database, clock }),
    monotonicMs: () => clock.monotonicMs(),
  });
  const usage = await openUsage({
    db: database.kysely,
    config,
    clock,
    log,
    instanceId: id,
    registry,
    tokenUsage,
    providers: () => keeper.current().providers.keys(),
  });
  const gateway = createGateway({
    config,
    log,
    snapshot: () => keeper.current(),
    refresh: () => void keeper.refresh(),
    rotations,
    live,
    requests,
    usage: usage.sink,
    limits: new CallerLimits(tokenUsage, clock),
    userKeys: userKeyDesk(installation, changes, async () => keeper.refresh()),
    userKeyWatch,
    metrics: gatewayMetrics(registry, () => keeper.current().providers.keys()),
    clock,
  });
  const alerts = watchAlerts(installation, {
    log,
    id,
    changes,
    registry,
    snapshot: () => keeper.current(),
    auditFault: () => auditWatch.fault(),
  });
  const auth = await createAdminAuth({ config, db: database.kysely, audit, ring: keyRing.ring, clock, log });
  const close = async (): Promise<void> =>
    closeRooms({
      gateway,
      usage,
      keeper,
      ringWatch,
      auditWatch,
      rotations,
      rotationClock,
      live,
      tokenUsage,
      userKeyWatch,
      healthClock,
      alertClock: alerts.clock,
      versions,
      auth,
      installation,
      id,
    });
  // Last of all, so that a start which is killed before it can show them has hardly ever made them.
  const firstToken = async (kind: TokenKind, configured: Secret | undefined): Promise<Secret | undefined> =>
    configured === undefined
      ? createFirstToken(database.kysely, audit, { actor: systemActor(id) }, kind)
      : undefined;
  let firstTokens: FirstTokens;
  try {
    await keeper.start();
    await tokenUsage.start();
    firstTokens = {
      admin: await firstToken('admin', config.adminToken),
      gateway: await firstToken('gateway', config.gatewayToken),
    };
    auditWatch.start();
    rotations.start();
    rotationClock.start();
    live.start();
    healthClock.start();
    alerts.clock.start();
    ringWatch.wake();
    await keeper.refresh();
    // From its first answer on, who waits for all instances waits for this one too.
    await report();
  } catch (error) {
    await close();
    throw error;
  }
  const adminDoor = openAdminDoor({
    config,
    database,
    changes,
    rotations,
    watch: healthClock,
    jobs: [
      { name: dailyTestsJob, status: () => healthClock.status() },
      {
        name: 'rotations, their schedules, and the keys at the providers',
        status: () => rotationClock.status(),
      },
      { name: 'alerts and their messages', status: () => alerts.clock.status() },
      { name: 'what changed in the database, for the snapshot', status: () => keeper.status() },
      ...auditWatch.jobs(),
      ...ringWatch.jobs(),
      { name: 'what calls said of keys', status: () => live.status() },
      { name: 'what rotations served', status: () => rotations.status() },
      { name: 'keys that other programs stored, by their masks', status: () => versions.status() },
    ],
    keeper,
    keyRing,
    registry,
    log,
    startedAt,
    clock,
    instanceId: id,
    stopping: () => stopping,
    auditFault: () => auditWatch.fault(),
    ringFault: () => ringWatch.fault(),
    auth,
    deliveries: alerts.deliveries,
  });
  const heartbeat = setInterval(() => void report(), heartbeatMs);
  return {
    firstTokens,
    snapshot: () => keeper.current(),
    handle: (request, response) => {
      // A caller who always has a next request would otherwise hold the connection, and the stop, until the cut.
      if (stopping) response.setHeader('connection', 'close');
      if (gateway.serves(request.url ?? '')) gateway.handle(request, response);
      else adminDoor.handle(request, response);
    },
    beginStop: () => {
      stopping = true;
      clearInterval(heartbeat);
    },
    refuseWaiting: async () => gateway.close(),
    close: async () => {
      await close();
      await adminDoor.close();
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

/** What is wrong with keys becomes alerts, and alerts become messages. */
function watchAlerts(
  { config, database, keyRing, audit, clock }: Installation,
  seen: {
    log: Logger;
    id: string;
    changes: ChangeParts;
    registry: Registry;
    snapshot: () => Snapshot;
    auditFault: () => string | null;
  },
): { readonly clock: AlertClock; readonly deliveries: DeliveryParts & { readonly audit: AuditTrail } } {
  const metrics = alertMetrics(seen.registry);
  const db = database.kysely;
  const deliveries = {
    db,
    audit,
    ring: keyRing.ring,
    clock,
    config,
    log: seen.log,
    instanceId: seen.id,
    knownSecrets: () => keysIn(seen.snapshot()),
    onAttempt: metrics.countDelivery,
  };
  const conditions = async (): Promise<Condition[]> =>
    lookAround({ changes: seen.changes, config, database, clock }, seen.snapshot(), seen.auditFault());
  const testedProviders = (): number =>
    [...seen.snapshot().providers.values()].filter(({ resolution }) => resolution.key !== null).length;
  return {
    deliveries,
    clock: new AlertClock({ deliveries, config, conditions, testedProviders, metrics }),
  };
}

/** Keys that other programs stored get mask and fingerprint, whenever something has changed. */
function watchVersions({ database }: Installation, changes: ChangeParts, log: Logger): RecurringWork {
  return new RecurringWork({
    run: async () => void (await describeFoundVersions(database.kysely, changes)),
    everyMs: 3_600_000,
    pauseMs: 0,
    longestWaitMs: 5_000,
    onFailed: (error) => log.debug({ err: error }, 'the versions of keys cannot be looked at yet'),
    onRecovered: () => undefined,
  });
}

/** Callers are slowed in their tests as administrators are, each for themselves: nobody waits for another's key. */
function userKeyDesk(
  { config, database, clock }: Installation,
  changes: ChangeParts,
  onChanged: () => Promise<void>,
): UserKeyDesk {
  const limits = new KeyTestLimits(database.kysely, clock);
  const admitTest = async (subject: string): Promise<void> => limits.admitOf(subject);
  return new UserKeyDesk({ changes, config, database, clock, admitTest, onChanged });
}

function storedUserKeys(userKeys: UserKeys): ReadonlySet<string> {
  const tokens = Array.from(userKeys.values(), (keys) =>
    Array.from(keys.values(), ({ storedToken }) => storedToken),
  );
  return new Set(tokens.flat());
}

function trialsIn({ providers }: Snapshot): ReadonlySet<string> {
  return new Set(Array.from(providers.values(), ({ trial }) => trial?.rotationId ?? ''));
}

async function closeRooms(rooms: {
  gateway: Gateway;
  usage: UsageRoom;
  keeper: SnapshotKeeper;
  ringWatch: RingWatch;
  auditWatch: AuditWatch;
  rotations: RotationWatch;
  rotationClock: RotationClock;
  live: LiveWatch;
  tokenUsage: TokenUsage;
  userKeyWatch: UserKeyWatch;
  healthClock: HealthClock;
  alertClock: AlertClock;
  versions: RecurringWork;
  auth: AdminAuth;
  installation: Installation;
  id: string;
}): Promise<void> {
  await rooms.gateway.close();
  await rooms.usage.stop();
  await rooms.rotations.stop(rooms.keeper.databaseError() === null);
  await rooms.rotationClock.stop();
  await rooms.tokenUsage.stop(rooms.keeper.databaseError() === null);
  await rooms.userKeyWatch.stop();
  await rooms.live.stop(rooms.keeper.databaseError() === null);
  await rooms.healthClock.stop();
  await rooms.alertClock.stop();
  await rooms.versions.stop();
  await rooms.ringWatch.stop();
  await rooms.auditWatch.stop(rooms.keeper.databaseError() === null);
  await rooms.keeper.stop();
  rooms.auth.refusals.stop();
  if (rooms.keeper.databaseError() === null) {
    await rooms.auth.refusals.flush();
    await endInstance(rooms.installation.database.kysely, rooms.id).catch(() => undefined);
  }
}
