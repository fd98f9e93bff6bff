/**
 * The table keyward_foreign_changes: what other programs changed, as triggers note it, until it is in the
 * trail. A change leaves the table in the transaction that records it, so none is lost and none is told twice.
 */
import { sql, type Kysely } from 'kysely';
import type { ShownKey } from '../crypto/stored-key.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Occasion } from './audit-event.ts';
import type { AuditTrail } from './audit-trail.ts';
import { describeForeignChange } from './describe-foreign-change.ts';

export interface AbsorbParts {
  readonly db: Kysely<Tables>;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  /** What may be shown of a stored key. */
  readonly showKey: (token: string | null) => ShownKey;
  /** Who records; who changed stands in each event. */
  readonly occasion: Occasion;
}

/** In one transaction, which holds the lock of the chain. */
const batchSize = 200;

/**
 * Moves all foreign changes into the trail, in their order.
 * @returns how many this call moved; others may have moved more
 * @throws KeywardError audit_unavailable; then what was not moved is still there
 */
export async function absorbForeignChanges(parts: AbsorbParts): Promise<number> {
  let absorbed = 0;
  while (await hasForeignChange(parts.db)) {
    absorbed += await absorbBatch(parts);
  }
  return absorbed;
}

async function absorbBatch({ audit, clock, showKey, occasion }: AbsorbParts): Promise<number> {
  const { value } = await audit.change(occasion, async (tx, record, write) => {
    // Who comes second waits for the first of these rows, and then finds those that are left.
    const changes = await tx
      .selectFrom('keyward_foreign_changes')
      .selectAll()
      .orderBy('id')
      .limit(batchSize)
      .forUpdate()
      .execute();
    if (changes.length === 0) return 0;
    const recordedAt = clock.now();
    for (const change of changes) record(describeForeignChange(change, { recordedAt, showKey }));
    // The table gives nothing away before its event is written.
    await write();
    await tx
      .deleteFrom('keyward_foreign_changes')
      .where(
        'id',
        'in',
        changes.map(({ id }) => id),
      )
      .execute();
    return changes.length;
  });
  return value;
}

async function hasForeignChange(db: Kysely<Tables>): Promise<boolean> {
  const change = await db.selectFrom('keyward_foreign_changes').select('id').limit(1).executeTakeFirst();
  return change !== undefined;
}

/** How many wait to be moved into the trail. */
export async function countForeignChanges(db: Kysely<Tables>): Promise<number> {
  const { count } = await db
    .selectFrom('keyward_foreign_changes')
    .select((select) => select.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** The slugs of the providers that a waiting change concerns. */
export async function readWaitingProviders(db: Kysely<Tables>): Promise<Set<string>> {
  const { rows } = await sql<{ slug: string }>`
    SELECT DISTINCT slug FROM keyward_foreign_changes,
           LATERAL (VALUES (row_before ->> 'provider_slug'), (row_after ->> 'provider_slug')) AS named (slug)
     WHERE table_name = 'llm_providers' AND slug IS NOT NULL`.execute(db);
  return new Set(rows.map(({ slug }) => slug));
}
