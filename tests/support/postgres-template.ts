/** The database with all migrations that tests on a real PostgreSQL copy theirs from; one for each run. */
import { migrateAtStart } from '../../src/database/migrations/shipped-migrations.ts';
import { openUrl } from './migration-stages.ts';
import { createDatabase } from './real-postgres.ts';

/** @param server URL of a superuser */
export async function makePostgresTemplate(
  server: string,
): Promise<{ readonly name: string; readonly drop: () => Promise<void> }> {
  const { url, drop } = await createDatabase({ server });
  const database = await openUrl(url);
  await migrateAtStart(database, () => undefined);
  await database.close();
  return { name: new URL(url).pathname.slice(1), drop };
}
