/** Events are found by what they say, page by page without a gap, and stream to any length. */
import type { Kysely } from 'kysely';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { AuditEntry, Occasion, RecordedEvent } from '../../src/audit/audit-event.ts';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import {
  listAuditEvents,
  readEvent,
  streamAuditEvents,
  type AuditFilters,
} from '../../src/audit/read-events.ts';
import type { Tables } from '../../src/database/tables.ts';
import { auditTrailOn, occasionOfTests, recordMany } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { describeOnMigratedDatabase } from '../support/migrated-database.ts';

const by = (name: string, kind: Occasion['actor']['kind'] = 'admin_token'): Occasion => ({
  actor: { ...occasionOfTests.actor, kind, name },
});

const cases: readonly (readonly [Occasion, AuditEntry])[] = [
  [
    by('Ann'),
    {
      action: 'provider.key_set',
      target: { kind: 'provider', id: 'groq' },
      occurredAt: new Date('2026-01-01T00:00:00Z'),
    },
  ],
  [
    by('Bob'),
    {
      action: 'provider.key_tested',
      target: { kind: 'provider', id: 'groq' },
      occurredAt: new Date('2026-01-02T00:00:00Z'),
    },
  ],
  [
    by('ann marie'),
    {
      action: 'provider.key_set',
      target: { kind: 'provider', id: 'xai' },
      occurredAt: new Date('2026-01-03T00:00:00Z'),
    },
  ],
  [
    by('100% _real_'),
    {
      action: 'token.created',
      target: { kind: 'token', id: '7' },
      occurredAt: new Date('2026-01-04T00:00:00Z'),
    },
  ],
  [
    by('somebody', 'anonymous'),
    {
      action: 'access.refused',
      target: { kind: 'route', id: '/api/v1/admin/status' },
      outcome: 'refused',
      occurredAt: new Date('2026-01-05T00:00:00Z'),
    },
  ],
  [
    by('psql', 'database'),
    {
      action: 'database.changed',
      target: { kind: 'token', id: 'a:b' },
      occurredAt: new Date('2026-01-06T00:00:00Z'),
    },
  ],
];

async function streamed(db: Kysely<Tables>, filters?: AuditFilters): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of streamAuditEvents(db, filters)) events.push(readEvent(event));
  return events;
}

describeOnMigratedDatabase('the events', (database) => {
  beforeAll(async () => {
    const audit = auditTrailOn(database().opened.database);
    for (const [occasion, entry] of cases) await audit.record(occasion, entry);
  });

  it.each<readonly [AuditFilters, readonly number[]]>([
    [{}, [6, 5, 4, 3, 2, 1]],
    [{ action: 'provider.key_set' }, [3, 1]],
    [{ action: 'provider' }, [3, 2, 1]],
    [{ action: 'prov' }, []],
    [{ actor: 'ANN' }, [3, 1]],
    [{ actor: '%' }, [4]],
    [{ actor: '_' }, [4]],
    [{ actor: 'database' }, [6]],
    [{ target: 'groq' }, [2, 1]],
    [{ target: 'provider:groq' }, [2, 1]],
    [{ target: 'token:groq' }, []],
    [{ target: 'token:a:b' }, [6]],
    [{ outcome: 'refused' }, [5]],
    [{ since: new Date('2026-01-05T00:00:00Z') }, [6, 5]],
    [{ until: new Date('2026-01-02T00:00:00Z') }, [1]],
    [
      {
        since: new Date('2026-01-02T00:00:00Z'),
        until: new Date('2026-01-04T00:00:00Z'),
        action: 'provider.key_set',
      },
      [3],
    ],
    [{ actor: `' OR true --` }, []],
  ])('that fit %j are found, newest first in a list, oldest first in a stream', async (filters, expected) => {
    const { kysely } = database().opened.database;
    expect(
      (await listAuditEvents(kysely, { filters, limit: 100 })).events.map(({ sequence }) => sequence),
    ).toEqual(expected);
    expect((await streamed(kysely, filters)).map(({ sequence }) => sequence)).toEqual(expected.toReversed());
  });
});

describeOnUsualDatabases('the events', (opened) => {
  let audit: AuditTrail;
  beforeEach(() => {
    audit = auditTrailOn(opened().database);
  });
  const list = async (filters: AuditFilters, limit = 100, cursor?: number) =>
    listAuditEvents(opened().database.kysely, { filters, limit, cursor });
  const stream = async (): Promise<RecordedEvent[]> => streamed(opened().database.kysely);

  it('come whole, in the fields in which they were recorded', async () => {
    await audit.record(
      {
        actor: {
          kind: 'session',
          id: 's-1',
          name: 'Ann',
          role: 'admin',
          address: '10.0.0.1',
          userAgent: 'Firefox',
        },
        reason: 'why',
        requestId: 'r-1',
      },
      {
        action: 'token.revoked',
        target: { kind: 'token', id: '3' },
        before: { name: 'app' },
        after: { name: null },
      },
    );
    const { events } = await list({});
    expect(events).toEqual([
      {
        sequence: 1,
        occurred_at: expect.stringMatching(/Z$/) as string,
        actor: {
          kind: 'session',
          id: 's-1',
          name: 'Ann',
          role: 'admin',
          address: '10.0.0.1',
          user_agent: 'Firefox',
        },
        action: 'token.revoked',
        target: { kind: 'token', id: '3' },
        outcome: 'done',
        reason: 'why',
        request_id: 'r-1',
        before: { name: 'app' },
        after: { name: null },
        previous_hash: '0'.repeat(64),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
    expect(await stream()).toEqual(events);
  });

  it('come in pages without a gap and without a repetition, while new ones are added', async () => {
    await recordMany(audit, 25);
    const seen: number[] = [];
    let cursor: number | undefined;
    for (;;) {
      const { events, nextCursor } = await list({}, 10, cursor);
      seen.push(...events.map(({ sequence }) => sequence));
      if (nextCursor === null) break;
      cursor = nextCursor;
      await recordMany(audit, 3);
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => 25 - index));
    expect((await list({}, 100)).nextCursor).toBeNull();
    expect((await list({ target: 'event-1' }, 1)).nextCursor).not.toBeNull();
  });

  it('stream beyond one read', async () => {
    await recordMany(audit, 2_500);
    const sequences = (await stream()).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));
  });
});
