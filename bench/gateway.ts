/**
 * `npm run bench`: what Keyward costs beside a bare Node proxy and nginx, before the same provider, in one
 * run. Progress goes to standard error, the findings to standard output.
 */
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/foundation/errors.ts';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { Children } from './children.ts';
import { countStatements } from './database-statements.ts';
import { measure, type Plan } from './measure.ts';
import { asText, findings, type Findings } from './report.ts';
import { summarise } from './summary.ts';
import { onPostgres, startTargets } from './targets.ts';

const help = `Usage: npm run bench -- [options]

Compares Keyward with a bare Node proxy, and with nginx where it is installed: requests
per second, CPU time per request, added latency. Takes about two minutes.

  --embedded        on the embedded database, whose engine is in Keyward's process, in the place of a PostgreSQL
  --quick           a smoke run of some seconds; its figures are rough
  --json            the findings as one JSON object
  --cpu-prof <dir>  also leave a CPU profile of Keyward in the directory
  --help            this text`;

const wholeRun: Plan = { rounds: 11, warmUpMs: 2_000, connections: 32, throughputMs: 700, latencyMs: 300 };
const quickRun: Plan = { rounds: 1, warmUpMs: 250, connections: 32, throughputMs: 300, latencyMs: 100 };

process.exitCode = await main();

/** @returns the exit code: 0, 1 when a request reached the database or the run failed, 2 for a wrong option */
async function main(): Promise<number> {
  const options = readOptions();
  if (options === null || options.help) {
    (options === null ? console.error : console.log)(help);
    return options === null ? 2 : 0;
  }
  try {
    const plan = options.quick ? quickRun : wholeRun;
    const profileDirectory = options['cpu-prof'];
    const found = await bench(plan, options.embedded, profileDirectory && resolve(profileDirectory));
    for (const line of options.json ? [JSON.stringify(found, null, 2)] : asText(found)) console.log(line);
    return found.database.onHotPath === 0 ? 0 : 1;
  } catch (error) {
    progress(messageOf(error));
    return 1;
  }
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        embedded: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        'cpu-prof': { type: 'string' },
      },
    }).values;
  } catch (error) {
    progress(messageOf(error));
    return null;
  }
}

async function bench(plan: Plan, embedded: boolean, profileDirectory: string | undefined): Promise<Findings> {
  const [loadBefore = 0] = loadavg();
  const children = new Children();
  const postgres = embedded ? undefined : await startRealPostgres();
  try {
    progress('starting the provider and the gateways');
    const nodeOptions =
      profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
    const targets = await startTargets(children, {
      nodeOptions,
      ...(postgres && { env: onPostgres(postgres) }),
    });
    const keyward = targets.find(({ name }) => name === 'keyward');
    if (keyward === undefined) throw new Error('Keyward is not among the targets.');
    if (!targets.some(({ name }) => name === 'nginx'))
      progress('nginx is not installed: going on without it');
    const stopCounting = await countStatements(keyward);
    const { samples, answered } = await measure(targets, plan, progress);
    const database = await stopCounting(answered.get('keyward') ?? 0);
    return findings(plan, { loadBefore, embedded }, summarise(samples), database);
  } finally {
    await children.stop();
    await postgres?.stop();
  }
}

function progress(message: string): void {
  console.error(`bench: ${message}`);
}
