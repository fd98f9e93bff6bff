/**
 * `npm run bench:audit`: how many events a second `keyward audit verify` proves, on a PostgreSQL of its own.
 * Progress goes to standard error, the findings to standard output.
 */
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { ensureAuditKey, openAuditKey, readAuditKeyToken } from '../src/audit/audit-key.ts';
import { ChainHasher, chainStart } from '../src/audit/chain.ts';
import { table } from '../src/cli/terminal.ts';
import { generateEncryptionKey } from '../src/crypto/encryption-key.ts';
import { KeyRing } from '../src/crypto/key-ring.ts';
import { connectDatabase } from '../src/database/database.ts';
import { migrateAtStart } from '../src/database/migrations/shipped-migrations.ts';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { eventAt } from './audit-events.ts';
import { Children } from './children.ts';

const help = `Usage: npm run bench:audit -- [options]

Fills an audit trail with events of the usual kinds on a PostgreSQL of its own, and measures
the command keyward audit verify on it. Takes some minutes, most of them for the filling.

  --quick  a smoke run on fifty thousand events; its figures are rough
  --json   the findings as one JSON object
  --help   this text`;

const { values: options } = parseArgs({
  options: {
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
else await bench(options.quick ? { events: 50_000, rounds: 2 } : { events: 1_000_000, rounds: 7 });

async function bench({ events, rounds }: { events: number; rounds: number }): Promise<void> {
  const children = new Children();
  progress('starting PostgreSQL');
  const postgres = await startRealPostgres();
  try {
    const encryptionKey = generateEncryptionKey();
    progress(`writing ${events} events`);
    const { averageLength, version } = await fill(postgres.url, KeyRing.parse(encryptionKey), events);
    const verify = async (): Promise<{ whole: boolean; events: number; seconds: number }> => {
      const said = await children.run({
        command: process.execPath,
        args: [keyward, 'audit', 'verify', '--json'],
        env: {
          DATABASE_URL: postgres.url,
          KEYWARD_DATA_DIR: children.directory,
          BYOK_ENCRYPTION_KEY: encryptionKey.reveal(),
        },
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
    await postgres.stop();
    await children.stop();
  }
}

/** A chain as Keyward writes it, in larger pieces. */
async function fill(
  url: string,
  ring: KeyRing,
  events: number,
): Promise<{ averageLength: number; version: string }> {
  const database = connectDatabase(
    { description: url, pool: { connectionString: url } },
    'postgres',
    () => {},
  );
  await migrateAtStart(database, () => undefined);
  await ensureAuditKey(database.kysely, ring);
  const hasher = new ChainHasher(openAuditKey((await readAuditKeyToken(database.kysely)) ?? '', ring));
  await database.close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const averageLength = await insertChain(client, hasher, events);
    await client.query('VACUUM ANALYZE keyward_audit_events');
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return { averageLength, version: rows[0]?.server_version ?? '' };
  } finally {
    await client.end();
  }
}

/** @returns how long an event is on average, in characters */
async function insertChain(client: pg.Client, hasher: ChainHasher, events: number): Promise<number> {
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
    await client.query(
      `INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])`,
      [sequences, texts, hashes.slice(0, -1), hashes.slice(1)],
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
    `${events} events of ${Math.round(averageLength)} characters, PostgreSQL ${version}, Node ${process.version}, ${machine}\n`,
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
