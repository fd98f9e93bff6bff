/**
 * Every way to tamper with a chain of events that is tried here, as a superuser with all triggers switched
 * off does it; and, by comparing the rows before and after, where the first place is that is not as it was.
 */
import { sql, type Kysely } from 'kysely';
import fc from 'fast-check';
import type { FaultKind } from '../../src/audit/locate-fault.ts';
import type { Tables } from '../../src/database/tables.ts';

export interface Tampering {
  readonly name: string;
  /** What a verifier may call it. */
  readonly kinds: readonly FaultKind[];
  /** Only an anchor shows it. */
  readonly needsAnchors: boolean;
  /** @returns false when it came to nothing */
  apply(tx: Kysely<Tables>): Promise<void>;
}

type Rows = ReadonlyMap<string, string>;

/** Switches off what the database refuses, for the transaction. */
export async function asSuperuser(tx: Kysely<Tables>): Promise<void> {
  await sql`SET LOCAL session_replication_role = replica`.execute(tx);
}

/** A change of the audit key's row, by an owner who switches its guard off and on again. */
export function withoutGuard(statement: string): string {
  return `ALTER TABLE keyward_audit_chain DISABLE TRIGGER USER; ${statement};
    ALTER TABLE keyward_audit_chain ENABLE TRIGGER USER`;
}

/** Row by row all that the chain covers. */
export async function readRows(db: Kysely<Tables>): Promise<Rows> {
  const { rows } = await sql<{ sequence: string; content: string }>`
    SELECT sequence, previous_hash || hash || event AS content FROM keyward_audit_events`.execute(db);
  return new Map(rows.map(({ sequence, content }) => [sequence, content]));
}

/** The first place that differs; undefined where none does. */
export function firstDifference(before: Rows, after: Rows): number | undefined {
  const places = [...new Set([...before.keys(), ...after.keys()])].map(Number).toSorted((a, b) => a - b);
  return places.find((place) => before.get(String(place)) !== after.get(String(place)));
}

/** A column of one row with one character replaced. */
function edit(column: 'event' | 'previous_hash' | 'hash', at: number, offset: number, to: string): Tampering {
  return {
    name: `character ${offset} of ${column} ${at} becomes ${JSON.stringify(to)}`,
    // The digits of its own number included: then the row holds an event that no place has.
    kinds: ['edited'],
    needsAnchors: false,
    apply: async (tx) => {
      const place = sql`1 + ${offset} % length(${sql.ref(column)})`;
      await sql`UPDATE keyward_audit_events SET ${sql.ref(column)} = overlay(${sql.ref(column)} placing ${to} from ${place} for 1)
        WHERE sequence = ${at}`.execute(tx);
    },
  };
}

function swap(columns: 'rows' | 'events', a: number, b: number): Tampering {
  const assignments =
    columns === 'rows'
      ? sql`event = other.event, previous_hash = other.previous_hash, hash = other.hash`
      : sql`event = other.event`;
  return {
    name: `${columns} ${a} and ${b} change places`,
    kinds: ['reordered'],
    needsAnchors: false,
    apply: async (tx) => {
      await sql`UPDATE keyward_audit_events AS one SET ${assignments} FROM keyward_audit_events AS other
        WHERE (one.sequence, other.sequence) IN ((${a}, ${b}), (${b}, ${a}))`.execute(tx);
    },
  };
}

function remove(first: number, count: number, how: 'leaving a gap' | 'and renumbering the rest'): Tampering {
  return {
    name: `${count} events from ${first} on are deleted, ${how}`,
    kinds: ['deleted'],
    needsAnchors: false,
    apply: async (tx) => {
      await sql`DELETE FROM keyward_audit_events WHERE sequence >= ${first} AND sequence < ${first + count}`.execute(
        tx,
      );
      if (how === 'and renumbering the rest') await shift(tx, first + count, -count);
    },
  };
}

function copy(from: number, to: number, end: number): Tampering {
  return {
    name: `a copy of event ${from} is inserted as row ${to}`,
    kinds: ['inserted'],
    needsAnchors: false,
    apply: async (tx) => {
      if (to <= end) await shift(tx, to, 1);
      const source = from >= to ? from + 1 : from;
      await sql`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
        SELECT ${to}::bigint, event, previous_hash, hash FROM keyward_audit_events WHERE sequence = ${source}`.execute(
        tx,
      );
    },
  };
}

/** Still the same JSON; and a reader of many rows at once may take a line feed for the end of one. */
function pad(at: number, space: string): Tampering {
  return {
    name: `${JSON.stringify(space)} is put behind event ${at}`,
    kinds: ['edited'],
    needsAnchors: false,
    apply: async (tx) => {
      await sql`UPDATE keyward_audit_events SET event = event || ${space}::text WHERE sequence = ${at}`.execute(
        tx,
      );
    },
  };
}

/** Plausible in all but its hash. */
function forge(end: number): Tampering {
  return {
    name: `a forged event is added as ${end + 1}`,
    kinds: ['edited', 'inserted'],
    needsAnchors: false,
    apply: async (tx) => {
      await sql`INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
        SELECT sequence + 1, replace(event, '"sequence":' || sequence || ',', '"sequence":' || sequence + 1 || ','), hash, repeat('ab', 32)
          FROM keyward_audit_events WHERE sequence = ${end}`.execute(tx);
    },
  };
}

function renumber(at: number, to: number): Tampering {
  return {
    name: `row ${at} becomes row ${to}`,
    kinds: ['reordered'],
    needsAnchors: false,
    apply: async (tx) => {
      await sql`UPDATE keyward_audit_events SET sequence = ${to} WHERE sequence = ${at}`.execute(tx);
    },
  };
}

function cutStart(through: number): Tampering {
  return {
    name: `events 1 to ${through} are cut off`,
    kinds: ['truncated_start'],
    needsAnchors: false,
    apply: async (tx) => {
      await sql`DELETE FROM keyward_audit_events WHERE sequence <= ${through}`.execute(tx);
    },
  };
}

function cutEnd(from: number): Tampering {
  return {
    name: `all events from ${from} on are cut off`,
    kinds: ['truncated_end'],
    needsAnchors: true,
    apply: async (tx) => {
      await sql`DELETE FROM keyward_audit_events WHERE sequence >= ${from}`.execute(tx);
    },
  };
}

/** In two steps, since the numbers are unique at every moment. */
async function shift(tx: Kysely<Tables>, from: number, by: number): Promise<void> {
  const far = 1_000_000;
  await sql`UPDATE keyward_audit_events SET sequence = sequence + ${far}::bigint WHERE sequence >= ${from}`.execute(
    tx,
  );
  await sql`UPDATE keyward_audit_events SET sequence = sequence - ${far}::bigint + ${by}::bigint WHERE sequence > ${far}`.execute(
    tx,
  );
}

/** A text that is no JSON any more, or holds no time, the table takes from nobody. @returns undefined for that */
export function isRefusedByTable(error: unknown): undefined {
  if (/json|Unicode|null value|out of range|invalid input/i.test(String(error))) return undefined;
  throw error;
}

/** Any tampering with a chain of events 1 to `length`. */
export function anyTampering(length: number): fc.Arbitrary<Tampering> {
  const place = fc.integer({ min: 1, max: length });
  const two = fc.tuple(place, place).filter(([a, b]) => a !== b);
  const inside = fc.integer({ min: 1, max: length - 1 });
  const hexDigit = fc.constantFrom(...Array.from('0123456789abcdef'));
  return fc.oneof(
    fc
      .tuple(
        place,
        fc.nat(5_000),
        fc.oneof(
          fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
          fc.constantFrom('\n', '\r', '\u0001', 'ä', '𝄞'),
        ),
      )
      .map(([at, offset, to]) => edit('event', at, offset, to)),
    fc.tuple(place, fc.nat(63), hexDigit).map(([at, offset, to]) => edit('hash', at, offset, to)),
    fc.tuple(place, fc.nat(63), hexDigit).map(([at, offset, to]) => edit('previous_hash', at, offset, to)),
    two.map(([a, b]) => swap('rows', a, b)),
    two.map(([a, b]) => swap('events', a, b)),
    fc
      .tuple(fc.integer({ min: 2, max: length - 1 }), fc.integer({ min: 1, max: 5 }))
      .filter(([first, count]) => first + count <= length)
      .chain(([first, count]) =>
        fc.constantFrom(
          remove(first, count, 'leaving a gap'),
          remove(first, count, 'and renumbering the rest'),
        ),
      ),
    fc.tuple(place, fc.integer({ min: 2, max: length + 1 })).map(([from, to]) => copy(from, to, length)),
    fc.constant(forge(length)),
    fc.tuple(inside, fc.integer({ min: 1, max: 1_000 })).map(([at, past]) => renumber(at, length + past)),
    fc.tuple(place, fc.constantFrom('\n', '\n\n', ' ', '\t')).map(([at, space]) => pad(at, space)),
    fc.integer({ min: 1, max: 1_000 }).map((past) => renumber(length, length + past)),
    inside.map(cutStart),
    fc.integer({ min: 1, max: length }).map(cutEnd),
  );
}
