/**
 * Pages of a sorted list by the place of their last row, so that rows that come and go meanwhile make no
 * other row appear twice or not at all. Rows that are sorted by the same value follow by their id.
 */
import { sql, type RawBuilder } from 'kysely';

/** The last row of the page before: what it was sorted by, as text, and its id. */
export interface Place<Id extends number | string = number> {
  readonly sortedBy: string;
  readonly id: Id;
}

export interface Page<Row, Id extends number | string = number> {
  readonly rows: readonly Row[];
  /** Where the next page begins; null after the last one. */
  readonly next: Place<Id> | null;
}

/** What makes a list one page of itself. */
export interface PageWanted<Sort extends string, Id extends number | string = number> {
  readonly sort: Sort;
  readonly descending: boolean;
  readonly after: Place<Id> | null;
  readonly limit: number;
}

/**
 * Times count in microseconds, since a cursor must hold them whole.
 * @param none what no time and an infinite one count as
 */
export function microseconds(column: string, none: 'as the first' | 'as the last'): RawBuilder<string> {
  const time = sql.ref(column);
  const instead = sql.raw(none === 'as the first' ? '-1' : '999999999999999999');
  return sql`CASE WHEN isfinite(${time}) THEN (extract(epoch FROM ${time}) * 1000000)::bigint ELSE ${instead} END`;
}

/** Whether a row comes after the place. */
export function isBehind(
  sortedBy: RawBuilder<string>,
  idColumn: string,
  { sortedBy: value, id }: Place<number | string>,
  descending: boolean,
): RawBuilder<boolean> {
  const row = sql`(${sortedBy}, ${sql.ref(idColumn)})`;
  return descending ? sql<boolean>`${row} < (${value}, ${id})` : sql<boolean>`${row} > (${value}, ${id})`;
}

/** @param rows one more than the limit, where there are more */
export function pageOf<Row extends { readonly sorted_by: string }, Id extends number | string>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => Id,
): Page<Row, Id> {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { rows: page, next: last === undefined ? null : { sortedBy: last.sorted_by, id: idOf(last) } };
}
