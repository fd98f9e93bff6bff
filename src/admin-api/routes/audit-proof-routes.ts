/** GET /api/v1/admin/audit-logs/verify: proves the whole trail, for one caller of this instance at a time. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readAnchorsFrom, type AnchoredHeads } from '../../audit/read-anchors.ts';
import { viewTrailReport } from '../../audit/view-trail-report.ts';
import type { AnchorConfig } from '../../foundation/config-anchor.ts';
import { KeywardError } from '../../foundation/errors.ts';
import { proveTrail } from '../../keys/prove-trail.ts';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { whenClientLeaves } from '../client-left.ts';
import type { TypedApp } from '../typed-app.ts';

const place = z.object({ sequence: z.int(), hash: z.string() });

const trailReport = z
  .object({
    whole: z.boolean(),
    fault: z
      .object({ kind: z.string(), sequence: z.int(), message: z.string() })
      .nullable()
      .describe('The first event that is not as it was written.'),
    events: z.int().describe('How many were proven: all, or those before the fault.'),
    first: z.int().nullable().describe('Number of the first event.'),
    head: place.nullable().describe('The last event that was proven.'),
    retention: z
      .object({ sequence: z.int(), removed_through: z.int() })
      .nullable()
      .describe('The event that accounts for those which were removed.'),
    anchor_kind: z
      .enum(['file', 'log', 'webhook', 'off'])
      .describe('Where heads are noted outside the database. Only a file is read here.'),
    anchors: z
      .object({ proven: z.int(), removed: z.int(), newest: z.int() })
      .nullable()
      .describe('How many noted heads fit. Null: none were compared, so a cut at the end would go unseen.'),
    waiting_foreign_changes: z.int(),
    remarks: z.array(z.object({ provider: z.string().nullable(), message: z.string() })),
    seconds: z.number(),
  })
  .meta({ id: 'AuditTrailReport' });

export function auditProofRoutes(app: TypedApp, parts: AdminApiParts): void {
  const { config, database, changes } = parts;
  let isRunning = false;
  app.get(
    '/api/v1/admin/audit-logs/verify',
    {
      config: { access: 'viewer', refusals: ['verification_running', 'caller_left'] },
      schema: {
        operationId: 'verifyAuditTrail',
        summary: 'Prove that the audit trail is as it was written',
        description:
          'Reads all of it and names the first event that does not fit, as `keyward audit verify` does. One at a time on each instance; it ends when its caller leaves.',
        tags: ['audit'],
        querystring: z.strictObject({}),
        response: { 200: trailReport.describe('What was found.') },
      },
    },
    async (_request, reply) => {
      if (isRunning) throw new KeywardError('verification_running');
      isRunning = true;
      const signal = whenClientLeaves(reply);
      const startedAt = performance.now();
      try {
        const { anchor } = config.audit;
        const { ring, fingerprinter } = changes;
        const anchors = await readNotedHeads(anchor);
        const report = await proveTrail({ database, ring, fingerprinter }, { anchors, signal });
        const { fault, remarks, ...found } = viewTrailReport(report, performance.now() - startedAt);
        return {
          ...found,
          fault,
          anchor_kind: anchor.kind,
          remarks: remarks.map(({ provider, message }) => ({ provider, message })),
        };
      } catch (error) {
        if (signal.aborted) throw new KeywardError('caller_left');
        throw error;
      } finally {
        isRunning = false;
      }
    },
  );
}

/** Heads noted in a log or with somebody else only a person can bring back: `keyward audit verify --anchors`. */
async function readNotedHeads(anchor: AnchorConfig): Promise<AnchoredHeads | undefined> {
  return anchor.kind === 'file' && existsSync(anchor.path) ? readAnchorsFrom(anchor.path) : undefined;
}
