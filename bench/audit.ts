/**
 * `npm run bench:audit`: how many events a second `keyward audit verify` proves, on a PostgreSQL of its own or
 * on the embedded database.
 * Progress goes to standard error, the findings to standard output.
 */
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sql, type Kysely } from 'kysely';
import { ensureAuditKey, openAuditKey, readAuditKeyToken } from '../src/audit/audit-key.ts';
import { ChainHasher, chainStart } from '../src/audit/chain.ts';
import { table } from '../src/cli/terminal.ts';
import { generateEncryptionKey } from '../src/crypto/encryption-key.ts';
import { KeyRing } from '../src/crypto/key-ring.ts';
import { migrateAtStart } from '../src/database/migrations/shipped-migrations.ts';
import { openDatabase } from '../src/database/open-database.ts';
import type { Tables } from '../src/database/tables.ts';
import { loadConfig } from '../src/foundation/config.ts';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { eventAt } from './audit-events.ts';
import { Children } from './children.ts';

const help = `Usage: npm run bench:audit -- [options]

Fills an audit trail with events of the usual kinds on a PostgreSQL of its own, and measures
the command keyward audit verify on it. Takes some minutes, most of them for the filling.

  --embedded  the same on the embedded database
  --quick     a smoke run on fifty thousand events; its figures are rough
  --json      the findings as one JSON object
  --help      this text`;

const { values: options } = parseArgs({
  options: {
    embedded: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Events a second. */
const aim = 100_000;
const keyward = fileURLToPath(new URL('../bin/keyward.js', import.meta.url));
const insertedAtOnce = 5_000;

interface Round {
  readonly eventsPerSecond: number;
  /** Of the command's process, its start left out. */
  readonly seconds: number;
  readonly loadBefore: number;
}

if (options.help) console.log(help);
else await bench(options.quick ? { events: 50_000, rounds: 2 } : { events: 400_000, rounds: 7 });

async function bench({ events, rounds }: { events: number; rounds: number }): Promise<void> {
  const children = new Children();
  progress(`starting ${options.embedded ? 'the embedded database' : 'PostgreSQL'}`);
  const postgres = options.embedded ? undefined : await startRealPostgres();
  try {
    const encryptionKey = generateEncryptionKey();
    const environment = {
      ...(postgres && { DATABASE_URL: postgres.url }),
      KEYWARD_DATA_DIR: children.directory,
      BYOK_ENCRYPTION_KEY: encryptionKey.reveal(),
    };
    progress(`writing ${events} events`);
    const { averageLength, version } = await fill(environment, KeyRing.parse(encryptionKey), events);
    const verify = async (): Promise<{ whole: boolean; events: number; seconds: number }> => {
      const said = await children.run({
        command: process.execPath,
        args: [keyward, 'audit', 'verify', '--json'],
        env: environment,
      });
      return JSON.parse(said) as { whole: boolean; events: number; seconds: number };
    };
    const found: Round[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      // The first reads the table into memory and does not count.
      progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
      const [loadBefore = 0] = loadavg();
      const { whole, events: proven, seconds } = await verify();
      if (!whole || proven !== events) throw new Error(`${proven} of ${events} events were proven`);
      if (round > 0) found.push({ eventsPerSecond: events / seconds, seconds, loadBefore });
    }
    report({ events, averageLength, version, rounds: found });
  } finally {
    await postgres?.stop();
    await children.stop();
  }
}

/** A chain as Keyward writes it, in larger pieces. */
async function fill(
  environment: Readonly<Record<string, string>>,
  ring: KeyRing,
  events: number,
): Promise<{ averageLength: number; version: string }> {
  const database = await openDatabase(loadConfig(environment).database, {
    as: 'server',
    onProgress: () => undefined,
    onIdleError: () => undefined,
  });
  const { kysely: db } = database;
  try {
    await migrateAtStart(database, () => undefined);
    await ensureAuditKey(db, ring);
    const hasher = new ChainHasher(openAuditKey((await readAuditKeyToken(db)) ?? '', ring));
    const averageLength = await insertChain(db, hasher, events);
    await sql`VACUUM ANALYZE keyward_audit_events`.execute(db);
    const { rows } = await sql<{ server_version: string }>`SHOW server_version`.execute(db);
    return { averageLength, version: rows[0]?.server_version ?? '' };
  } finally {
    await database.close();
  }
}

/** @returns how long an event is on average, in characters */
async function insertChain(db: Kysely<Tables>, hasher: ChainHasher, events: number): Promise<number> {
  let previousHash = chainStart;
  let length = 0;
  for (let first = 1; first <= events; first += insertedAtOnce) {
    const sequences: number[] = [];
    const texts: string[] = [];
    const hashes = [previousHash];
    for (let sequence = first; sequence < first + insertedAtOnce && sequence <= events; sequence += 1) {
      const event = eventAt(sequence);
      previousHash = hasher.hash(previousHash, event);
      sequences.push(sequence);
      texts.push(event);
      hashes.push(previousHash);
      length += event.length;
    }
    await sql`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
      SELECT * FROM unnest(${sequences}::bigint[], ${texts}::text[], ${hashes.slice(0, -1)}::text[], ${hashes.slice(1)}::text[])`.execute(
      db,
    );
  }
  return length / events;
}

function report(found: {
  events: number;
  averageLength: number;
  version: string;
  rounds: readonly Round[];
}): void {
  const { events, averageLength, version, rounds } = found;
  const machine = `${process.platform} ${process.arch}, ${cpus().length} cores`;
  const rates = rounds.map(({ eventsPerSecond }) => eventsPerSecond).toSorted((a, b) => a - b);
  const [least = 0, median = 0, most = 0] = [rates[0], rates[Math.floor(rates.length / 2)], rates.at(-1)];
  if (options.json) {
    console.log(
      JSON.stringify(
        { events, average_length: averageLength, postgres: version, machine, aim, median, rounds },
        null,
        2,
      ),
    );
    return;
  }
  console.log(
    `${events} events of ${Math.round(averageLength)} characters, ${options.embedded ? 'embedded ' : ''}PostgreSQL ${version}, Node ${process.version}, ${machine}\n`,
  );
  for (const line of table([
    ['round', 'events/s', 'seconds', 'load before'],
    ...rounds.map(({ eventsPerSecond, seconds, loadBefore }, index) => [
      String(index + 1),
      Math.round(eventsPerSecond).toString(),
      seconds.toFixed(2),
      loadBefore.toFixed(1),
    ]),
  ]))
    console.log(line);
  console.log(
    `\nkeyward audit verify: ${Math.round(median)} events a second (${Math.round(least)} to ${Math.round(most)}). The aim of ${aim} is ${median >= aim ? 'met' : 'missed'}.`,
  );
}

function progress(message: string): void {
  console.error(`bench: ${message}`);
}
