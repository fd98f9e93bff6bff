/**
 * What is wrong at the first place where the chain does not fit, in words that an auditor can use. Slow and
 * thorough: it looks through the whole table, once, when something was found.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { eventPrefix } from './audit-event.ts';
import type { ChainHasher } from './chain.ts';

export type FaultKind =
  | 'edited'
  | 'deleted'
  | 'inserted'
  | 'reordered'
  | 'wrong_key'
  | 'truncated_start'
  | 'truncated_end';

export interface TrailFault {
  readonly kind: FaultKind;
  /** The first place in the chain that is not as it was written. */
  readonly sequence: number;
  readonly message: string;
}

/** Where the chain was whole up to now. */
export interface Place {
  /** The sequence that should come. */
  readonly expected: number;
  /** The hash of the event before. */
  readonly previousHash: string;
}

interface FullRow {
  readonly sequence: string;
  readonly event: string;
  readonly previous_hash: string;
  readonly hash: string;
}

/** How many events after a bad one are looked at, to tell a forged event from a trail under another key. */
const looksAhead = 50;
/** Fewer that do not fit may each have been edited. */
const fewestUnderAnotherKey = 3;

/** @returns undefined when the row fits after all: the table has changed since it was looked at */
export async function locateFault(
  db: Kysely<Tables>,
  hasher: ChainHasher,
  place: Place,
): Promise<TrailFault | undefined> {
  const rows = await db
    .selectFrom('keyward_audit_events')
    .select(['sequence', 'event', 'previous_hash', 'hash'])
    .where('sequence', '>=', String(place.expected))
    .orderBy('sequence')
    .limit(looksAhead + 1)
    .execute();
  const [row] = rows;
  if (row === undefined) return undefined;
  const { expected } = place;
  if (row.sequence !== String(expected)) return explainGap(db, hasher, expected, rows);
  const own = ownSequence(row.event);
  if (own !== row.sequence) return explainDisplaced(db, hasher, row, own);
  return explainMisfit(hasher, place, row, rows);
}

/** The row that should come next is not there. */
async function explainGap(
  db: Kysely<Tables>,
  hasher: ChainHasher,
  expected: number,
  [row, ...following]: readonly FullRow[],
): Promise<TrailFault> {
  const moved = await findEvent(db, expected);
  if (moved !== undefined)
    return fault('reordered', expected, `Event ${expected} is not in its place: it stands in row ${moved}.`);
  const found = row?.sequence ?? '';
  if (
    row !== undefined &&
    following.length === 0 &&
    (ownSequence(row.event) !== found || !isGenuine(hasher, row))
  )
    return fault('inserted', Number(found), `Row ${found} was inserted behind the end of the trail.`);
  const last = BigInt(found) - 1n;
  const which = last === BigInt(expected) ? `Event ${expected} was` : `Events ${expected} to ${last} were`;
  return fault('deleted', expected, `${which} deleted: event ${found} follows event ${expected - 1}.`);
}

/** The text of the row says another number than the row. */
async function explainDisplaced(
  db: Kysely<Tables>,
  hasher: ChainHasher,
  row: FullRow,
  own: string | undefined,
): Promise<TrailFault> {
  const expected = Number(row.sequence);
  if (own === undefined || !(isGenuine(hasher, row) || (await isGenuineInItsPlace(db, hasher, row, own))))
    return fault('edited', expected, `Row ${expected} does not hold event ${expected}: its text was edited.`);
  const copy = await findCopy(db, row);
  if (copy !== undefined)
    return fault(
      'inserted',
      expected,
      `Row ${expected} was inserted: it is a copy of event ${own}, which stands in row ${copy}.`,
    );
  const moved = await findEvent(db, expected);
  return moved === undefined
    ? fault('deleted', expected, `Event ${expected} was deleted, and event ${own} moved into its place.`)
    : fault(
        'reordered',
        expected,
        `Row ${expected} holds event ${own}; event ${expected} stands in row ${moved}.`,
      );
}

/** The row says that it is the event that should come, and its hashes do not bear it out. */
function explainMisfit(
  hasher: ChainHasher,
  place: Place,
  row: FullRow,
  rows: readonly FullRow[],
): TrailFault | undefined {
  const { expected, previousHash } = place;
  if (isGenuine(hasher, row)) {
    if (row.previous_hash === previousHash) return undefined;
    return fault(
      'inserted',
      expected,
      `Event ${expected} is a genuine one, but not the one that followed event ${expected - 1}: it was put in from another state of this trail, for example from a backup.`,
    );
  }
  if (isUnderAnotherKey(hasher, previousHash, rows))
    return fault(
      'wrong_key',
      expected,
      `From event ${expected} on nothing fits the key of this trail: it was written under another key, or the key in keyward_audit_chain was replaced.`,
    );
  return fault(
    'edited',
    expected,
    `Event ${expected} is not what was written there: its text or its hashes were edited, or somebody without the key added it.`,
  );
}

/** The chain begins after event 1, and no retention says that this is so. */
export async function explainStart(
  db: Kysely<Tables>,
  first: string,
  provenThrough: number,
): Promise<TrailFault> {
  const expected = provenThrough + 1;
  const moved = await findEvent(db, expected);
  if (moved !== undefined)
    return fault('reordered', expected, `Event ${expected} is not in its place: it stands in row ${moved}.`);
  return fault(
    'truncated_start',
    expected,
    `The trail begins with event ${first}, and no retention accounts for events ${expected} to ${BigInt(first) - 1n}: they were deleted.`,
  );
}

/** A row before the first place that there is. */
export function explainImpossible(first: string): TrailFault {
  return fault('inserted', Number(first), `Row ${first} was inserted: no event has that number.`);
}

function fault(kind: FaultKind, sequence: number, message: string): TrailFault {
  return { kind, sequence, message };
}

/** Whether its own hashes bear the event out, wherever it stands. */
function isGenuine(hasher: ChainHasher, row: FullRow): boolean {
  return hasher.hash(row.previous_hash, row.event) === row.hash;
}

/** Whether the hashes of the row where the event belongs bear it out. */
async function isGenuineInItsPlace(
  db: Kysely<Tables>,
  hasher: ChainHasher,
  { event }: FullRow,
  own: string,
): Promise<boolean> {
  const place = await db
    .selectFrom('keyward_audit_events')
    .select(['previous_hash', 'hash'])
    .where('sequence', '=', own)
    .executeTakeFirst();
  return place !== undefined && hasher.hash(place.previous_hash, event) === place.hash;
}

/** One forged event leaves those after it as they were; another key does not. */
function isUnderAnotherKey(hasher: ChainHasher, previousHash: string, rows: readonly FullRow[]): boolean {
  const isLinked = rows.every((row, index) => row.previous_hash === (rows[index - 1]?.hash ?? previousHash));
  return rows.length >= fewestUnderAnotherKey && isLinked && !rows.some((row) => isGenuine(hasher, row));
}

/** The row elsewhere whose event says that it is number `sequence`. */
async function findEvent(db: Kysely<Tables>, sequence: number): Promise<string | undefined> {
  const { rows } = await sql<{ sequence: string }>`
    SELECT sequence FROM keyward_audit_events
     WHERE starts_with(event, ${eventPrefix(sequence)}) AND sequence <> ${String(sequence)}
     ORDER BY sequence LIMIT 1`.execute(db);
  return rows[0]?.sequence;
}

/** Another row with the same event. */
async function findCopy(db: Kysely<Tables>, row: FullRow): Promise<string | undefined> {
  const copy = await db
    .selectFrom('keyward_audit_events')
    .select('sequence')
    .where('event', '=', row.event)
    .where('sequence', '<>', row.sequence)
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  return copy?.sequence;
}

function ownSequence(event: string): string | undefined {
  return /^\{"sequence":(\d{1,19}),/.exec(event)?.[1];
}
