/**
 * One installation on which rotations go on, for a property test: the process that works on it, which may die and
 * be followed by another, a provider with its key management, and what has to hold after each step and in the end.
 */
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { AuditAction } from '../../src/audit/audit-event.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { RotationClock } from '../../src/jobs/rotation-clock.ts';
import { newInstanceId } from '../../src/keys/instances.ts';
import type { KeyActParts } from '../../src/keys/key-acts.ts';
import { findProvider, type ListedProvider } from '../../src/keys/list-providers.ts';
import { loadSnapshot } from '../../src/keys/load-snapshot.ts';
import { setManagement } from '../../src/keys/rotation/management-store.ts';
import { findRotation, listKeyVersions } from '../../src/keys/rotation/rotation-store.ts';
import { sweepProvider } from '../../src/keys/rotation/sweep-keys.ts';
import type { ServedProvider } from '../../src/keys/snapshot.ts';
import { occasionOfTests } from './audited.ts';
import { type OpenedDatabase } from './keyward-database.ts';
import { manualClock } from './manual-clock.ts';
import { MortalInstance } from './mortal-instance.ts';
import { keyActPartsOn, rotatingKey, storeFirstKey } from './rotating.ts';
import { StandInManagement } from './stand-in-management.ts';
import { type StandInProvider } from './stand-in-provider.ts';
import type { Standing } from './stand-in-wires.ts';

const slug = 'openrouter';

/** One installation, and the process that works on it now. */
export class RotationWorld {
  readonly clock = manualClock();
  readonly management: StandInManagement;
  readonly ring = KeyRing.parse(generateEncryptionKey());
  /** Somebody did by force, or past Keyward, what may leave a key in service that the provider refuses. */
  mayServeBadKey = false;
  instance: MortalInstance;
  parts!: KeyActParts;
  row!: ListedProvider;
  readonly opened: OpenedDatabase;
  readonly provider: StandInProvider;
  readonly #env: Readonly<Record<string, string>>;
  #keys = 0;

  constructor(opened: OpenedDatabase, provider: StandInProvider, env: Readonly<Record<string, string>>) {
    this.opened = opened;
    this.provider = provider;
    this.#env = env;
    this.management = new StandInManagement(provider);
    this.instance = new MortalInstance(opened.database);
    this.management.askAboutCaller(() => this.instance.passes());
  }

  /** Empties the database. @param first where the key is that serves at first */
  static async with(
    opened: OpenedDatabase,
    provider: StandInProvider,
    first: 'database' | 'environment',
  ): Promise<RotationWorld> {
    await opened.empty();
    // Not the one that is the credential of the stand-in.
    const key = rotatingKey(0xabce);
    const env = first === 'environment' ? { OPENROUTER_API_KEY: key } : {};
    const world = new RotationWorld(opened, provider, env);
    await world.management.listen();
    await world.startAnew();
    provider.setKeys([key]);
    if (first === 'database') await storeFirstKey(world.parts, key);
    await setManagement(world.parts, occasionOfTests, slug, {
      credential: new Secret(world.management.wire.credential),
      baseUrl: world.management.baseUrl,
    });
    const row = await findProvider(opened.database.kysely, slug);
    if (row === undefined) throw new Error('no provider');
    world.row = row;
    return world;
  }

  async startAnew(): Promise<void> {
    this.instance = new MortalInstance(this.opened.database);
    const options = { clock: this.clock, env: this.#env };
    this.parts = await keyActPartsOn(this.instance, this.ring, this.provider.baseUrl, options);
  }

  readonly newKey = (standing: Standing): Secret => {
    this.#keys += 1;
    const key = rotatingKey(this.#keys);
    this.provider.setStanding(key, standing);
    return new Secret(key);
  };

  async tick(): Promise<void> {
    const clock = new RotationClock({
      ...this.parts,
      instanceId: newInstanceId(),
      occasion: occasionOfTests,
      graceSeconds: 0,
      log: createLogger({ level: 'silent', format: 'json', scrub: (line) => line, write: () => undefined }),
    });
    try {
      await clock.tick();
    } finally {
      await clock.stop();
    }
  }

  async sweep(graceSeconds: number): Promise<void> {
    await sweepProvider(this.parts, occasionOfTests, this.row, { graceSeconds });
  }

  /** As the database's clock jumps: all that it wrote down is so much older, or younger. */
  async jump(seconds: number): Promise<void> {
    this.clock.set(new Date(this.clock.now().getTime() + seconds * 1_000));
    const columns = {
      keyward_rotations: ['step_since', 'promoted_at', 'claimed_until'],
      keyward_key_versions: ['created_at', 'promoted_at', 'retired_at'],
      keyward_management_keys: ['swept_at'],
    };
    for (const [table, names] of Object.entries(columns)) {
      const moved = names.map(
        (name) => sql`${sql.ref(name)} = ${sql.ref(name)} - make_interval(secs => ${seconds})`,
      );
      await sql`UPDATE ${sql.table(table)} SET ${sql.join(moved)}`.execute(this.opened.database.kysely);
    }
  }

  readonly open = async () => findRotation(this.parts.database.kysely, this.row.id, 'open');

  async served(): Promise<ServedProvider | undefined> {
    const { config, changes, clock } = this.parts;
    const { ring: keyRing, fingerprinter, bindings } = changes;
    const parts = { database: this.opened.database, config, keyRing, fingerprinter, bindings, clock };
    return (await loadSnapshot(parts)).providers.get(slug);
  }

  /** By the trail. */
  async countEvents(action: AuditAction): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM keyward_audit_events WHERE event::jsonb ->> 'action' = ${action}`.execute(
      this.opened.database.kysely,
    );
    return rows[0]?.count ?? 0;
  }
}

/** A provider that had a key has one, the stored one is the active version, and one rotation is open at most. */
export async function expectOrder(world: RotationWorld, after: string): Promise<void> {
  const versions = await listKeyVersions(world.opened.database.kysely, world.row.id);
  const stored = (await findProvider(world.opened.database.kysely, slug))?.encrypted_api_key ?? null;
  const active = versions.filter(({ state }) => state === 'active');
  expect([after, active.map(({ encrypted_api_key: token }) => token)]).toEqual([
    after,
    stored === null ? [] : [stored],
  ]);
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM keyward_rotations WHERE ended_at IS NULL`.execute(
    world.opened.database.kysely,
  );
  expect([after, rows[0]?.count]).toSatisfy(([, count]) => count === 0 || count === 1);
  const served = await world.served();
  expect([after, served?.resolution.problem, served?.resolution.key === null]).toEqual([after, null, false]);
  const fallback = served?.trial?.stage === 'soak' ? [served.trial.other.key] : [];
  const keys = [served?.resolution.key, ...fallback].map((key) => key?.reveal() ?? '');
  if (!world.mayServeBadKey)
    expect([after, keys.some((key) => world.provider.standingOf(key) === 'good')]).toEqual([after, true]);
}

/** What was begun comes to its end, and what lives at the provider is what the ledger says. */
export async function expectNoOrphans(world: RotationWorld): Promise<{ minted: number }> {
  for (const act of ['mint', 'list', 'disable', 'revoke'] as const) world.management.fail(act, null);
  // However far the clock went back.
  await world.jump(7 * 86_400);
  await world.tick();
  // What a lag still hides shows up meanwhile.
  for (let time = 0; time < 4; time += 1) await world.sweep(0);
  const versions = await listKeyVersions(world.opened.database.kysely, world.row.id);
  const ledger = versions.flatMap(({ state, minted_name: name }) =>
    name !== null && ['pending', 'active', 'previous'].includes(state) ? [name] : [],
  );
  expect(world.management.live.toSorted()).toEqual(ledger.toSorted());
  expect(world.management.count).toBe(ledger.length);
  return { minted: versions.filter(({ origin }) => origin === 'minted').length };
}
