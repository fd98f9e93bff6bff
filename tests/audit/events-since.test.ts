/** Reading on in the trail: every event of the wanted kinds once, in order, and another trail from its start. */
import { beforeEach, expect, it } from 'vitest';
import type { AuditAction } from '../../src/audit/audit-event.ts';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { readEventsSince } from '../../src/audit/events-since.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

describeOnUsualDatabases('the events since a sequence', (opened) => {
  let trail: AuditTrail;
  beforeEach(() => {
    trail = auditTrailOn(opened().database);
  });

  async function record(...entries: readonly (readonly [AuditAction, string])[]): Promise<void> {
    for (const [action, id] of entries)
      await trail.record(occasionOfTests, { action, target: { kind: 'provider', id }, after: { of: id } });
  }
  const since = async (sequence: number) =>
    readEventsSince(opened().database.kysely, sequence, ['provider.key_set', 'provider.changed']);

  it('are none in an empty trail', async () => {
    expect(await since(0)).toEqual({ events: [], through: 0, isAnother: false });
  });

  it('are those of the wanted actions, in their order, and say from where to go on', async () => {
    await record(['provider.key_set', 'groq'], ['provider.key_tested', 'groq'], ['provider.changed', 'xai']);
    const first = await since(0);
    expect(first.events).toMatchObject([
      { sequence: 1, target: { id: 'groq' }, after: { of: 'groq' } },
      { sequence: 3, target: { id: 'xai' }, after: { of: 'xai' } },
    ]);
    expect(first).toMatchObject({ through: 3, isAnother: false });
    expect(await since(first.through)).toEqual({ events: [], through: 3, isAnother: false });
    await record(['provider.key_tested', 'groq'], ['provider.key_set', 'groq']);
    expect(await since(first.through)).toMatchObject({ events: [{ sequence: 5 }], through: 5 });
  });

  it('of a trail that ends before it are all of them', async () => {
    await record(['provider.key_set', 'groq']);
    expect(await since(7)).toMatchObject({ events: [{ sequence: 1 }], through: 1, isAnother: true });
  });
});
