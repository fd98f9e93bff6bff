/** The encryption key ring: which keys it has, what stands under each, and the re-encryption under the active one. */
import { z } from 'zod';
import { KeywardError } from '../../foundation/errors.ts';
import { ageDays } from '../../keys/health/key-age.ts';
import { listLiveInstances } from '../../keys/instances.ts';
import { readRing } from '../../keys/reencryption/read-ring.ts';
import { occasionOf } from '../admission.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { reason } from '../query-values.ts';
import { ReencryptionRun, type RunState } from '../reencryption-run.ts';
import type { TypedApp } from '../typed-app.ts';

const mostNamed = 10;

const run = z
  .object({
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable().describe('Null: it goes on.'),
    started_by: z.string(),
    reencrypted: z.int().describe('Rows that are encrypted anew.'),
    rows: z.int().describe('Rows that are stored in all.'),
    set_aside: z.int().describe('Rows that no key of the ring opens.'),
    problem: z.string().nullable(),
  })
  .meta({ id: 'ReencryptionRun' });

const ringView = z.object({
  from: z.string().describe('Where this instance has its ring from.'),
  keys: z.array(
    z.object({
      id: z.string(),
      role: z.enum(['encrypts', 'decrypts', 'missing']).describe('missing: it is not in the ring here.'),
      rows: z.int().describe('Stored rows that it opens.'),
      first_used_at: z.iso.datetime().nullable(),
      age_days: z.int().nullable(),
      retired_at: z.iso.datetime().nullable().describe('Since when nothing is stored under it.'),
    }),
  ),
  unreadable: z
    .object({ rows: z.int(), first: z.array(z.string()).describe(`At most ${mostNamed} of them.`) })
    .describe('Rows that no key of the ring opens.'),
  instances: z.array(
    z.object({ id: z.uuid(), host: z.string(), pid: z.int(), key_ids: z.array(z.string()) }),
  ),
  reencryption: run
    .nullable()
    .describe('The last one on the instance that answers; null: none since it started.'),
});

const tags = ['system'];

export function encryptionRoutes(app: TypedApp, parts: AdminApiParts): void {
  const reencryption = new ReencryptionRun(parts);
  app.addHook('preClose', async () => reencryption.stop());
  app.get(
    '/api/v1/admin/encryption-keys',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getEncryptionKeys',
        summary: 'The encryption keys by id, and the rows under each',
        description: 'Every stored row is opened to see which key does: not for polling.',
        tags,
        querystring: z.strictObject({}),
        response: { 200: ringView.describe('The ring.') },
      },
    },
    async () => {
      const { database, keyRing, clock } = parts;
      const { keys, unreadable } = await readRing(database.kysely, keyRing.ring);
      const now = clock.now();
      return {
        from: keyRing.from,
        keys: keys.map((key) => ({
          id: key.id,
          role: key.isActive
            ? ('encrypts' as const)
            : key.isInRing
              ? ('decrypts' as const)
              : ('missing' as const),
          rows: key.rows,
          first_used_at: key.firstUsedAt?.toISOString() ?? null,
          age_days: key.firstUsedAt === null ? null : ageDays(key.firstUsedAt, now),
          retired_at: key.retiredAt?.toISOString() ?? null,
        })),
        unreadable: { rows: unreadable.length, first: unreadable.slice(0, mostNamed) },
        instances: (await listLiveInstances(database.kysely)).map(({ id, host, pid, encryptionKeyIds }) => ({
          id,
          host,
          pid,
          key_ids: [...encryptionKeyIds],
        })),
        reencryption: viewRun(reencryption.state()),
      };
    },
  );
  app.get(
    '/api/v1/admin/encryption-keys/reencryption',
    {
      config: { access: 'viewer', refusals: ['reencryption_not_found'] },
      schema: {
        operationId: 'getReencryption',
        summary: 'How far the re-encryption on this instance is',
        tags,
        querystring: z.strictObject({}),
        response: { 200: run.describe('The last one.') },
      },
    },
    () => {
      const view = viewRun(reencryption.state());
      if (view === null) throw new KeywardError('reencryption_not_found');
      return view;
    },
  );
  app.post(
    '/api/v1/admin/encryption-keys/reencrypt',
    {
      config: { access: 'admin', takes: ['Idempotency-Key'], refusals: ['reencryption_runs'] },
      schema: {
        operationId: 'reencrypt',
        summary: 'Encrypt everything anew under the active key, in the background',
        description:
          'It runs on the instance that answers, at 2,000 rows a second at most; a run that was broken off is gone on with by the next. The active key itself is changed with `keyward encryption-key rotate`.',
        tags,
        body: z.strictObject({ reason }).nullable(),
        response: { 202: run.describe('It has begun.') },
      },
    },
    async (request, reply) => {
      if (!(await reencryption.begin(occasionOf(request, request.body?.reason))))
        throw new KeywardError('reencryption_runs');
      return reply.code(202).send(viewRun(reencryption.state()) as z.output<typeof run>);
    },
  );
}

function viewRun(state: RunState | null): z.output<typeof run> | null {
  if (state === null) return null;
  return {
    started_at: state.startedAt.toISOString(),
    ended_at: state.endedAt?.toISOString() ?? null,
    started_by: state.startedBy,
    reencrypted: state.reencrypted,
    rows: state.rows,
    set_aside: state.setAside,
    problem: state.problem,
  };
}
