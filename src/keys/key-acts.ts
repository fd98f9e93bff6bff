/** What the acts on keys are handed: those of the admin API and of the command line are the same. */
import type { Database } from '../database/database.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { ChangeParts } from './change-provider.ts';

export interface KeyActParts {
  readonly changes: ChangeParts;
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
}
