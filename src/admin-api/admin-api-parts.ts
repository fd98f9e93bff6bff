/** What the admin API is handed by the composition root. */
import type { Registry } from 'prom-client';
import type { AdminAuth } from '../auth/admin-auth.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Database } from '../database/database.ts';
import type { ChangeParts } from '../keys/change-provider.ts';
import type { HealthParts } from './health.ts';

export interface AdminApiParts extends HealthParts {
  readonly config: Config;
  readonly database: Database;
  readonly changes: ChangeParts;
  readonly instanceId: string;
  readonly startedAt: Date;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly auth: AdminAuth;
  readonly log: Logger;
}
