/** Alerts on a database of the tests: conditions to plant, channels to make, and the parts that deliver. */
import { randomUUID } from 'node:crypto';
import { alertPolicy } from '../../src/alerts/alert-policy.ts';
import { applyLook, type Told } from '../../src/alerts/alert-store.ts';
import { createChannel, type AlertChannel, type ChannelFields } from '../../src/alerts/channel-store.ts';
import type { ChannelKind } from '../../src/alerts/channel-settings.ts';
import type { Condition, Severity } from '../../src/alerts/condition.ts';
import { deliverDue, type DeliveryParts } from '../../src/alerts/deliver.ts';
import type { Delivery } from '../../src/alerts/delivery-store.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import type { Database } from '../../src/database/database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { auditTrailOn, occasionOfTests } from './audited.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';

const policyOfTests = alertPolicy(loadConfig({}).alerts);

export function deadKey(provider: string, severity: Severity = 'critical'): Condition {
  return {
    cause: `key_dead:${provider}`,
    kind: 'key_dead',
    severity,
    providerId: null,
    details: {
      what: `The provider refuses the key of ${provider}.`,
      provider,
      command: `keyward keys set ${provider}`,
    },
  };
}

export type ChannelWanted = ChannelFields & { readonly kind?: ChannelKind };

/** One Keyward's alerts on this database; several of them may stand on one. */
export class Alerting {
  readonly clock: ManualClock;
  readonly logLines: string[] = [];
  #previousLook: Date | null = null;
  readonly parts: DeliveryParts & { readonly audit: ReturnType<typeof auditTrailOn> };

  constructor(
    { kysely }: Pick<Database, 'kysely'>,
    {
      clock = manualClock(),
      ring = KeyRing.parse(generateEncryptionKey()),
      environment = {},
    }: { clock?: ManualClock; ring?: KeyRing; environment?: Readonly<Record<string, string>> } = {},
  ) {
    this.clock = clock;
    const log = createLogger({
      level: 'info',
      format: 'json',
      scrub: (line) => line,
      write: (line) => this.logLines.push(line),
    });
    this.parts = {
      db: kysely,
      ring,
      clock,
      config: loadConfig(environment),
      log,
      instanceId: randomUUID(),
      audit: auditTrailOn({ kysely } as Database, ring, clock),
      timeoutMs: 2_000,
    };
  }

  async look(...conditions: readonly Condition[]): Promise<readonly Told[]> {
    const now = this.clock.now();
    const seen = { conditions, testedProviders: 12, previousLook: this.#previousLook, now };
    this.#previousLook = now;
    return applyLook(this.parts.db, seen, policyOfTests);
  }

  async channel({ kind = 'log', name = `a ${kind}`, ...fields }: ChannelWanted = {}): Promise<AlertChannel> {
    const { audit, ring, clock } = this.parts;
    const parts = { audit, ring, clock, config: loadConfig({}) };
    return createChannel(parts, occasionOfTests, { kind, name, ...fields });
  }

  /** Sends what is due, until nothing is. */
  async deliver(): Promise<void> {
    while ((await deliverDue(this.parts)) > 0);
  }

  async deliveries(): Promise<Delivery[]> {
    return this.parts.db.selectFrom('keyward_alert_deliveries').selectAll().orderBy('id').execute();
  }

  /** `opened delivered`, in their order. */
  async outcomes(): Promise<string[]> {
    return (await this.deliveries()).map(({ event, state }) => `${event} ${state}`);
  }
}
