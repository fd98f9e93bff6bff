/** Starts a PostgreSQL, prints its URL and waits to be killed: the victim in a test of the keeper. */
import { startRealPostgres } from './start-real-postgres.ts';

const { url } = await startRealPostgres();
process.stdout.write(`${url}\n`);
setInterval(() => undefined, 60_000);
