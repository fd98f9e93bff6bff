/** The migrations of this version together with what they leave in the catalogue, and whether a database is up to them. */
import type { Database } from '../database.ts';
import { applyMigrations, type ApplyStep } from './apply.ts';
import type { KnownMigrations } from './assess.ts';
import { readExpectedCatalogue } from './expected-facts.ts';
import { readLedger } from './ledger.ts';
import { readMigrations } from './migration-files.ts';
import { defaultLockTimeoutMs } from './runner-lock.ts';

export function shippedMigrations(): KnownMigrations {
  return { migrations: readMigrations(), expected: readExpectedCatalogue() };
}

/** Versions that this program needs and the database has not got; by the ledger only, which is one small read. */
export async function pendingVersions({ kysely }: Database): Promise<string[]> {
  const ledger = await readLedger(kysely);
  return readMigrations()
    .map(({ version }) => version)
    .filter((version) => !ledger.has(version));
}

/** What a start does: applies what is pending, in order; nothing when there is nothing. */
export async function migrateAtStart(database: Database, onStep: (step: ApplyStep) => void): Promise<void> {
  if ((await pendingVersions(database)).length === 0) return;
  await applyMigrations(database.kysely, shippedMigrations(), {
    force: false,
    lockTimeoutMs: defaultLockTimeoutMs,
    onStep,
  });
}
