/**
 * `npm run bench:reencryption`: how many rows a second are encrypted anew under another encryption key, on a
 * PostgreSQL of its own, with the CPU time of this process beside it.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { AuditTrail } from '../src/audit/audit-trail.ts';
import { systemActor } from '../src/audit/actors.ts';
import { generateEncryptionKey } from '../src/crypto/encryption-key.ts';
import { Fingerprinter } from '../src/crypto/fingerprint.ts';
import { KeyRing } from '../src/crypto/key-ring.ts';
import { migrateAtStart } from '../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../src/database/open-database.ts';
import { systemClock } from '../src/foundation/clock.ts';
import { loadConfig } from '../src/foundation/config.ts';
import { Secret } from '../src/foundation/secret.ts';
import { readFingerprintKey } from '../src/keys/provider-store.ts';
import { reencryptAll } from '../src/keys/reencryption/reencrypt.ts';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { quantile } from './measure.ts';

const help = `Usage: npm run bench:reencryption -- [options]

Stores keys on a PostgreSQL of its own, and encrypts all of them anew, round after round,
each time under another key. Takes about a minute.

  --quick  a smoke run on ten thousand rows; its figures are rough
  --json   the findings as one JSON object
  --help   this text`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Rows a second, on one core. */
const aim = 20_000;

if (options.help) console.log(help);
else await bench(options.quick ? { rows: 10_000, rounds: 2 } : { rows: 100_000, rounds: 5 });

async function bench({ rows, rounds }: { rows: number; rounds: number }): Promise<void> {
  console.error('bench: starting PostgreSQL');
  const postgres = await startRealPostgres();
  const database = await openDatabase(loadConfig({ DATABASE_URL: postgres.url }).database, {
    as: 'server',
    onProgress: () => undefined,
    onIdleError: () => undefined,
  });
  const { kysely: db } = database;
  try {
    await migrateAtStart(database, () => undefined);
    let key = generateEncryptionKey();
    const tokens = Array.from({ length: rows }, (_, index) =>
      KeyRing.parse(key).encrypt(new Secret(`sk-or-v1-${String(index).padStart(64, '0')}`)),
    );
    await sql`INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)
      SELECT n, 1, token FROM unnest(${tokens}::text[]) WITH ORDINALITY AS t (token, n)`.execute(db);
    const ring = KeyRing.parse(key);
    const parts = {
      db,
      ring,
      audit: new AuditTrail({ db, ring, clock: systemClock }),
      fingerprinter: new Fingerprinter(await readFingerprintKey(db)),
      occasion: { actor: systemActor('bench') },
    };
    const found: { rowsPerSecond: number; rowsPerCpuSecond: number }[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      console.error(`bench: round ${round} of ${rounds}`);
      await sql`VACUUM ANALYZE user_api_keys`.execute(db);
      const next = generateEncryptionKey();
      ring.become(KeyRing.parse(new Secret(`${next.reveal()},${key.reveal()}`)));
      key = next;
      const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
      const { reencrypted } = await reencryptAll(parts, { onProgress: () => undefined });
      const seconds = (performance.now() - startedAt) / 1_000;
      const { user, system } = process.cpuUsage(cpuBefore);
      if (reencrypted < rows) throw new Error(`${reencrypted} of ${rows} rows were encrypted anew`);
      found.push({ rowsPerSecond: rows / seconds, rowsPerCpuSecond: rows / ((user + system) / 1e6) });
    }
    report(rows, found);
  } finally {
    await database.close();
    await postgres.stop();
  }
}

function report(rows: number, rounds: readonly { rowsPerSecond: number; rowsPerCpuSecond: number }[]): void {
  const perSecond = Math.round(
    quantile(
      rounds.map(({ rowsPerSecond }) => rowsPerSecond).toSorted((a, b) => a - b),
      0.5,
    ),
  );
  const perCpuSecond = Math.round(
    quantile(
      rounds.map(({ rowsPerCpuSecond }) => rowsPerCpuSecond).toSorted((a, b) => a - b),
      0.5,
    ),
  );
  if (options.json) {
    console.log(
      JSON.stringify({
        rows,
        rounds: rounds.length,
        rows_per_second: perSecond,
        rows_per_cpu_second: perCpuSecond,
        aim,
      }),
    );
    return;
  }
  const [load = 0] = loadavg();
  console.log(
    `${rows} rows, medians of ${rounds.length} rounds; ${cpus().length} cores, load ${load.toFixed(1)}`,
  );
  console.log(`${perSecond} rows a second from start to end`);
  console.log(`${perCpuSecond} rows a second of this process's CPU time; the rest is the database's`);
  console.log(`The aim of ${aim} rows a second on one core is ${perCpuSecond >= aim ? 'met' : 'missed'}.`);
}
