/**
 * What every write answers beside its own: the revision that it made, and, where the caller asked to wait,
 * which instances serve it by now.
 */
import { z } from 'zod';
import { waitUntilApplied, type LiveInstance } from '../keys/instances.ts';
import type { AdminApiParts } from './admin-api-parts.ts';

const appliedTimeoutMs = 10_000;

const instanceBehind = z.object({
  id: z.uuid(),
  host: z.string(),
  pid: z.int(),
  revision: z.int().describe('What it serves as yet.'),
});

const applied = z
  .object({
    live: z.int().describe('How many instances run.'),
    behind: z.array(instanceBehind).describe('Those that do not serve the revision yet.'),
  })
  .meta({ id: 'Applied' });

export const writtenFields = {
  revision: z
    .int()
    .describe('The revision that the write made, or the last one where it changed nothing that serves.'),
  applied: applied
    .nullable()
    .describe('With `wait=applied`: which instances serve the revision after 10 s at most; else null.'),
};

export const waitParameter = z
  .enum(['applied'], 'must be: applied')
  .optional()
  .describe('`applied`: answer when all running instances serve the revision, or after 10 s.');

export interface Wrote {
  readonly revision: number;
  readonly applied: z.output<typeof applied> | null;
}

/** The instance that answers looks at once; with `wait` the answer waits for all. */
export async function settle(
  parts: AdminApiParts,
  revision: number,
  wait: z.output<typeof waitParameter>,
): Promise<Wrote> {
  void parts.keeper.refresh();
  if (wait === undefined) return { revision, applied: null };
  const { live, behind } = await waitUntilApplied(parts.database.kysely, revision, appliedTimeoutMs);
  return { revision, applied: { live: live.length, behind: behind.map((instance) => named(instance)) } };
}

function named({ id, host, pid, revision }: LiveInstance): z.output<typeof instanceBehind> {
  return { id, host, pid, revision };
}
