/**
 * `npm run bench:streams`: what open streams cost in memory, what a reader who does not read makes Keyward hold, how
 * soon the provider hears that a caller has left, what is left of many who have, and, with --soak, whether memory stays
 * where it is. The provider and the callers are in this process, Keyward in its own.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startRealPostgres } from '../tests/support/start-real-postgres.ts';
import { Children } from './children.ts';
import { kibibytes, mebibytes, median } from './figures.ts';
import { quantile } from './measure.ts';
import { collectable, stateOf, type ProcessState } from './process-state.ts';
import { leave, leavingPoints, openStream, quickCalls, type LeavingPoint } from './stream-callers.ts';
import { StreamProvider } from './stream-provider.ts';
import { soak } from './stream-soak.ts';
import { onPostgres, startKeyward, type Target } from './targets.ts';

const help = `Usage: npm run bench:streams -- [options]

  --streams <n>     how many are open at once (1000)
  --readers <n>     how many do not read, before a provider that sends all it can (400)
  --leavers <n>     how many leave while the time is taken, at four points by turns (400)
  --leave <n>       then so many leave, 50 at once, and what stays of them is looked for (0)
  --soak <minutes>  then streams come and go for so long, and the memory is watched (0)
  --cores <share>   of one core, what Keyward and this program take of it while they soak (0.33)
  --postgres        on a PostgreSQL of its own, so that no engine is in Keyward's process
  --help            this text

Memory is told twice: what the gateway holds once its garbage is collected, and what is resident.`;

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    readers: { type: 'string', default: '400' },
    leavers: { type: 'string', default: '400' },
    leave: { type: 'string', default: '0' },
    soak: { type: 'string', default: '0' },
    cores: { type: 'string', default: '0.33' },
    postgres: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const provider = new StreamProvider();
  const children = new Children();
  const postgres = options.postgres ? await startRealPostgres() : undefined;
  try {
    const keyward = await startKeyward(children, await provider.listen(), {
      nodeOptions: collectable,
      ...(postgres && { env: onPostgres(postgres) }),
    });
    await quickCalls(keyward.url, 500);
    if (Number(options.streams) > 0) await holdOpen(keyward, Number(options.streams));
    for (const kind of ['flood', 'events'] as const)
      if (Number(options.readers) > 0) await readNothing(keyward, Number(options.readers), kind);
    if (Number(options.leavers) > 0) await timeLeaving(keyward, provider, Number(options.leavers));
    if (Number(options.leave) > 0) await leaveInCrowds(keyward, provider, Number(options.leave));
    const plan = { minutes: Number(options.soak), cores: Number(options.cores) };
    if (plan.minutes > 0 && !(await soak(keyward, provider, plan))) process.exitCode = 1;
  } finally {
    await children.stop();
    provider.close();
    await postgres?.stop();
  }
}

async function holdOpen(keyward: Target, streams: number): Promise<void> {
  const before = await stateOf(keyward);
  console.error(`${streams} streams are opened`);
  const open = await Promise.all(
    Array.from({ length: streams }, async () => openStream(keyward.url, { kind: 'slow' })),
  );
  await pause(5_000);
  tellGrowth(`${streams} open streams`, streams, before, await stateOf(keyward));
  for (const { call } of open) call.destroy();
  await untilAllLeft(keyward);
}

async function readNothing(keyward: Target, readers: number, kind: 'flood' | 'events'): Promise<void> {
  const before = await stateOf(keyward);
  const held = await Promise.all(
    Array.from({ length: readers }, async () => openStream(keyward.url, { kind, reads: false })),
  );
  await pause(5_000);
  tellGrowth(
    `${readers} readers who do not read ${kind === 'flood' ? 'large pieces' : 'single events'}`,
    readers,
    before,
    await stateOf(keyward),
  );
  for (const { call } of held) call.destroy();
  await untilAllLeft(keyward);
}

function tellGrowth(what: string, count: number, before: ProcessState, now: ProcessState): void {
  const held = now.heldBytes - before.heldBytes;
  const resident = now.residentBytes - before.residentBytes;
  console.log(
    `${what}: ${kibibytes(held / count)} KiB held for each, ${mebibytes(held)} MiB for all; the process ${mebibytes(now.residentBytes)} MiB resident, ${mebibytes(resident)} MiB more than before (${kibibytes(resident / count)} KiB each)`,
  );
}

/** A few at once, so that what is measured is Keyward and not this process. */
const timedAtOnce = 5;

async function timeLeaving(keyward: Target, provider: StreamProvider, leavers: number): Promise<void> {
  const taken = new Map<LeavingPoint, number[]>(leavingPoints.map((point) => [point, []]));
  const each = Math.ceil(leavers / leavingPoints.length);
  for (let turn = 0; turn < each; turn += timedAtOnce) {
    for (const point of leavingPoints) {
      const names = Array.from(
        { length: Math.min(timedAtOnce, each - turn) },
        (_, index) => `t${turn + index}`,
      );
      const times = await Promise.all(names.map(async (name) => leave(keyward.url, provider, point, name)));
      taken.get(point)?.push(...times);
    }
  }
  for (const [point, times] of [...taken, ['all of them', [...taken.values()].flat()] as const]) {
    const sorted = times.toSorted((a, b) => a - b);
    console.log(
      `${sorted.length} who left ${point}: the provider's side closed after ${median(sorted).toFixed(1)} ms (median), ${quantile(sorted, 0.99).toFixed(1)} ms (p99), ${(sorted.at(-1) ?? 0).toFixed(1)} ms (the last)`,
    );
  }
}

const leavingAtOnce = 50;
/** One in ten fills buffers first, which takes most of the time. */
const crowd: readonly LeavingPoint[] = [
  'while nothing is read',
  ...Array.from({ length: 3 }, (): LeavingPoint[] => [
    'before the head',
    'in the middle',
    'in an upload',
  ]).flat(),
];

async function leaveInCrowds(keyward: Target, provider: StreamProvider, leavers: number): Promise<void> {
  const round = async (count: number, name: string): Promise<void> => {
    for (let left = count; left > 0; left -= leavingAtOnce)
      await Promise.all(
        Array.from({ length: Math.min(left, leavingAtOnce) }, async (_, turn) =>
          leave(
            keyward.url,
            provider,
            crowd[turn % crowd.length] ?? 'in the middle',
            `${name}${left}x${turn}`,
          ),
        ),
      );
    await untilAllLeft(keyward);
  };
  await round(1_000, 'warm');
  const before = await stateOf(keyward);
  await round(leavers, 'many');
  const after = await stateOf(keyward);
  console.log(`before ${leavers} left, ${leavingAtOnce} at once: ${told(before)}`);
  console.log(`after it: ${told(after)}`);
}

function told({ sockets, timers, openAnswers, heldBytes, residentBytes }: ProcessState): string {
  return `${sockets} sockets, ${timers} timers, ${openAnswers} answers open, ${kibibytes(heldBytes)} KiB held, ${mebibytes(residentBytes)} MiB resident`;
}

/** Nothing is left of those who were there, but for connections that are kept for the next call. */
async function untilAllLeft(keyward: Target): Promise<void> {
  while ((await stateOf(keyward)).openAnswers > 0) await pause(100);
  await pause(1_000);
}

if (options.help) console.log(help);
else await main();
