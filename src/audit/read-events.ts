/**
 * The events as people and programs read them: filtered, newest first in pages, or oldest first as a stream
 * of any length in constant memory. Nothing here proves the chain; verify-trail.ts does.
 */
import { sql, type Expression, type ExpressionBuilder, type Kysely, type SqlBool } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { holdsText } from '../database/text-filter.ts';
import type { Outcome, RecordedEvent } from './audit-event.ts';

/** What is absent filters nothing. */
export interface AuditFilters {
  /** `provider.key_set`, or the first word for all of its kind: `provider`. */
  readonly action?: string | undefined;
  /** A part of the actor's name in any case, or the kind of actor. */
  readonly actor?: string | undefined;
  /** `provider:openrouter`, or the part after the colon. */
  readonly target?: string | undefined;
  readonly outcome?: Outcome | undefined;
  /** From this time on. */
  readonly since?: Date | undefined;
  /** Before this time. */
  readonly until?: Date | undefined;
}

export interface AuditPage {
  readonly events: readonly RecordedEvent[];
  /** The cursor of the page after this one; null where this is the last. */
  readonly nextCursor: number | null;
}

/** An event as it is stored, to the letter. */
export interface StoredEvent {
  readonly sequence: number;
  readonly event: string;
  readonly previousHash: string;
  readonly hash: string;
}

const streamedAtOnce = 1_000;

/**
 * One page, newest first.
 * @param options.cursor `nextCursor` of the page before; the newest events where absent
 */
export async function listAuditEvents(
  db: Kysely<Tables>,
  options: { readonly filters?: AuditFilters; readonly cursor?: number | undefined; readonly limit: number },
): Promise<AuditPage> {
  const { filters = {}, cursor, limit } = options;
  const rows = await db
    .selectFrom('keyward_audit_events')
    .select(['sequence', 'event', 'previous_hash', 'hash'])
    .where((where) => matches(where, filters))
    .$if(cursor !== undefined, (query) => query.where('sequence', '<', String(cursor)))
    .orderBy('sequence', 'desc')
    .limit(limit + 1)
    .execute();
  const events = rows.slice(0, limit).map((row) => readEvent(storedEvent(row)));
  return { events, nextCursor: rows.length > limit ? (events.at(-1)?.sequence ?? null) : null };
}

/** @returns undefined where there is no event of this number */
export async function findAuditEvent(
  db: Kysely<Tables>,
  sequence: string,
): Promise<RecordedEvent | undefined> {
  const row = await db
    .selectFrom('keyward_audit_events')
    .select(['sequence', 'event', 'previous_hash', 'hash'])
    .where('sequence', '=', sequence)
    .executeTakeFirst();
  return row && readEvent(storedEvent(row));
}

/** All events that fit, oldest first; those that are added meanwhile too. */
export async function* streamAuditEvents(
  db: Kysely<Tables>,
  filters: AuditFilters = {},
): AsyncGenerator<StoredEvent, void, void> {
  let after = '0';
  for (;;) {
    const rows = await db
      .selectFrom('keyward_audit_events')
      .select(['sequence', 'event', 'previous_hash', 'hash'])
      .where((where) => matches(where, filters))
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(streamedAtOnce)
      .execute();
    for (const row of rows) yield storedEvent(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < streamedAtOnce) return;
    after = last.sequence;
  }
}

/** The event in its fields; the sequence is that of the row. */
export function readEvent({ sequence, event, previousHash, hash }: StoredEvent): RecordedEvent {
  const fields = JSON.parse(event) as RecordedEvent;
  return { ...fields, sequence, previous_hash: previousHash, hash };
}

type Where = ExpressionBuilder<Tables, 'keyward_audit_events'>;
type Condition = Expression<SqlBool>;

function matches(where: Where, { action, actor, target, outcome, since, until }: AuditFilters): Condition {
  const [kind, id] = target?.includes(':') ? splitAtColon(target) : [undefined, target];
  return where.and([
    ...given(action, (name) =>
      where.or([where('action', '=', name), sql<SqlBool>`starts_with(action, ${`${name}.`})`]),
    ),
    ...given(actor, (name) => where.or([where('actor_kind', '=', name), holdsText(name, 'actor_name')])),
    ...given(kind, (name) => where('target_kind', '=', name)),
    ...given(id, (name) => where('target_id', '=', name)),
    ...given(outcome, (name) => where('outcome', '=', name)),
    ...given(since, (time) => where('occurred_at', '>=', time)),
    ...given(until, (time) => where('occurred_at', '<', time)),
  ]);
}

function given<T>(value: T | undefined, condition: (value: T) => Condition): Condition[] {
  return value === undefined ? [] : [condition(value)];
}

function splitAtColon(target: string): [string, string] {
  const colon = target.indexOf(':');
  return [target.slice(0, colon), target.slice(colon + 1)];
}

function storedEvent(row: {
  readonly sequence: string;
  readonly event: string;
  readonly previous_hash: string;
  readonly hash: string;
}): StoredEvent {
  return {
    sequence: Number(row.sequence),
    event: row.event,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}
