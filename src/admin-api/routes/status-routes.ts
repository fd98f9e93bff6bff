/** GET /api/v1/admin/status: what runs, what it serves, what it stands on. */
import { dayOf } from '../../foundation/day.ts';
import { z } from 'zod';
import type { Job } from '../../foundation/recurring-work.ts';
import { version } from '../../foundation/version.ts';
import { quotable } from '../../providers/redact.ts';
import { dailyTestsJob, listDailyTests } from '../../keys/health/daily-tests.ts';
import { listLiveInstances } from '../../keys/instances.ts';
import { keysIn } from '../../keys/snapshot.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import type { TypedApp } from '../typed-app.ts';

const instance = z.object({
  id: z.uuid(),
  host: z.string(),
  pid: z.int(),
  version: z.string(),
  revision: z.int().describe('The revision that it serves from.'),
  started_at: z.iso.datetime(),
  seen_at: z.iso.datetime().describe('Its last sign of life.'),
});

const job = z.object({
  name: z.string(),
  last_run_at: z.iso.datetime().nullable().describe('When the last run ended, whether it failed or not.'),
  next_run_at: z.iso.datetime().nullable(),
  problem: z.string().nullable().describe('What went wrong the last time.'),
});

const status = z.object({
  version: z.string(),
  instance_id: z.uuid().describe('The instance that answers.'),
  uptime_seconds: z.int(),
  revision: z.int(),
  database: z.object({ kind: z.enum(['embedded', 'postgres']), description: z.string() }),
  encryption_ring: z.object({ active_key_id: z.string(), key_ids: z.array(z.string()) }),
  instances: z.array(instance),
  jobs: z.array(job).describe('All that runs by the clock, in the instance that answers.'),
});

export function statusRoutes(app: TypedApp, parts: AdminApiParts): void {
  app.get(
    '/api/v1/admin/status',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getStatus',
        summary: 'What runs, and which revision each instance serves',
        tags: ['system'],
        querystring: z.strictObject({}),
        response: { 200: status.describe('What runs.') },
      },
    },
    async () => statusOf(parts),
  );
}

const longestProblem = 500;

function viewJob({ name, status: ofJob }: Job, { clock, keeper }: AdminApiParts): z.output<typeof job> {
  const { ranAgoMs, nextInMs, problem } = ofJob();
  const at = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString();
  return {
    name,
    last_run_at: ranAgoMs === null ? null : at(-ranAgoMs),
    next_run_at: nextInMs === null ? null : at(nextInMs),
    problem: problem === null ? null : quotable(problem, keysIn(keeper.current()), longestProblem),
  };
}

/** Of the daily tests the next one that is due; of tomorrow's nothing is planned before midnight. */
async function nextTest({ database, clock }: AdminApiParts): Promise<string | null> {
  const today = await listDailyTests(database.kysely, dayOf(clock.now()));
  const next = today.filter(({ state }) => state === 'waiting').map(({ due_at: dueAt }) => dueAt.getTime());
  return next.length === 0 ? null : new Date(Math.min(...next)).toISOString();
}

async function jobsOf(parts: AdminApiParts): Promise<z.output<typeof job>[]> {
  const next = await nextTest(parts);
  return parts.jobs.map((one) => {
    const shown = viewJob(one, parts);
    return one.name === dailyTestsJob ? { ...shown, next_run_at: next } : shown;
  });
}

async function statusOf(parts: AdminApiParts): Promise<z.output<typeof status>> {
  const instances = await listLiveInstances(parts.database.kysely);
  const { ring } = parts.keyRing;
  return {
    version,
    instance_id: parts.instanceId,
    uptime_seconds: Math.round((parts.clock.now().getTime() - parts.startedAt.getTime()) / 1000),
    revision: parts.keeper.current().revision,
    database: { kind: parts.database.kind, description: parts.database.description },
    encryption_ring: { active_key_id: ring.activeKeyId, key_ids: [...ring.keyIds] },
    instances: instances.map((one) => ({
      id: one.id,
      host: one.host,
      pid: one.pid,
      version: one.version,
      revision: one.revision,
      started_at: one.startedAt.toISOString(),
      seen_at: one.seenAt.toISOString(),
    })),
    jobs: await jobsOf(parts),
  };
}
