/** A Database with one connection, which leads to a real PostgreSQL over a link that a test may break; new for each test. */
import { afterEach, beforeEach } from 'vitest';
import { connectDatabase, type Database } from '../../src/database/database.ts';
import { startBreakableLink, type BreakableLink } from './breakable-link.ts';
import { createDatabase } from './real-postgres.ts';

export interface LinkedDatabase {
  readonly database: Database;
  readonly link: BreakableLink;
}

/** A statement that is not answered within 600 ms is given up. */
export function useLinkedDatabase(): () => LinkedDatabase {
  let linked: LinkedDatabase;
  let drop: () => Promise<void>;
  beforeEach(async () => {
    const served = await createDatabase();
    drop = served.drop;
    const url = new URL(served.url);
    const link = await startBreakableLink({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${link.port}`;
    const pool = { connectionString: url.href, max: 1, query_timeout: 600 };
    linked = { link, database: connectDatabase({ description: 'test', pool }, 'postgres', () => undefined) };
  });
  afterEach(async () => {
    linked.link.mend();
    await linked.database.close();
    await linked.link.close();
    await drop();
  });
  return () => linked;
}
