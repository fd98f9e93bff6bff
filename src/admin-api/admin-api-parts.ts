/** What the admin API is handed by the composition root. */
import type { Registry } from 'prom-client';
import type { DeliveryParts } from '../alerts/deliver.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Job } from '../foundation/recurring-work.ts';
import type { AdminAuth } from '../auth/admin-auth.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Database } from '../database/database.ts';
import type { ChangeParts } from '../keys/change-provider.ts';
import type { RotationWatch } from '../keys/rotation/rotation-watch.ts';
import type { HealthParts } from './health.ts';

export interface AdminApiParts extends HealthParts {
  readonly config: Config;
  readonly database: Database;
  readonly changes: ChangeParts;
  /** Writes what this instance has counted before somebody looks at the sums. */
  readonly rotations: Pick<RotationWatch, 'flush'>;
  /** The clock of the health watch. It lives in another way in, so only this is known of it here. */
  readonly watch: { readonly wake: () => void };
  /** All that runs by the clock in this instance; the daily tests are the first. */
  readonly jobs: readonly Job[];
  readonly instanceId: string;
  readonly startedAt: Date;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly auth: AdminAuth;
  readonly deliveries: DeliveryParts & { readonly audit: AuditTrail };
  readonly log: Logger;
}
