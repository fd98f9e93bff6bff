/** What the actions of `keyward migrate` work with, and what each gives back. */
import type { Database } from '../database/database.ts';
import type { KnownMigrations } from '../database/migrations/assess.ts';
import type { Config } from '../foundation/config.ts';

export interface MigrateOptions {
  readonly check?: true;
  readonly rollback?: true;
  readonly force?: true;
  readonly verify?: true;
  readonly dryRun?: true;
  readonly to?: string;
  readonly yes?: true;
  readonly lockTimeout?: number;
  readonly json?: true;
}

export interface MigrateContext {
  readonly database: Database;
  readonly config: Config;
  readonly known: KnownMigrations;
  readonly options: MigrateOptions;
}

/** What an action did: the exit code, and what programs are told of it. */
export interface MigrateResult {
  readonly exitCode: number;
  readonly report: Readonly<Record<string, unknown>>;
}
