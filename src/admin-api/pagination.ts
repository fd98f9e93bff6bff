/**
 * Lists page by page: a cursor holds the place where the next page begins, so that rows that come and go
 * meanwhile make no other row appear twice or not at all. To callers it is opaque.
 */
import { z } from 'zod';
import type { PageWanted, Place } from '../database/keyset.ts';
import { KeywardError } from '../foundation/errors.ts';
import { plainText } from '../keys/provider-rules.ts';
import { wholeNumberText } from './query-values.ts';

const longestCursor = 1_000;

/** The parameters that every list takes. */
export const pageParameters = {
  limit: wholeNumberText(1, 200).default(50).describe('How many entries a page holds at most.'),
  cursor: z
    .string('must be a text')
    .max(longestCursor)
    .optional()
    .describe('`next_cursor` of the page before.'),
};

/** What every list answers beside its entries. */
export const pageFields = {
  has_more: z.boolean(),
  next_cursor: z.string().nullable().describe('For the parameter `cursor`; null on the last page.'),
};

/** `name` and `-name` for each of the orders that a list knows. */
export function sortParameter<Sort extends string>(sorts: readonly Sort[], standard: Sort | `-${Sort}`) {
  const values = sorts.flatMap((sort): (Sort | `-${Sort}`)[] => [sort, `-${sort}`]);
  return z
    .enum(values)
    .optional()
    .transform((value): Sort | `-${Sort}` => value ?? standard)
    .meta({ description: 'With a dash before it: from the end.', default: standard });
}

/** The order that a parameter names, and where in it the page begins. */
export function orderOf<Sort extends string, Id extends number | string>(
  { sort: parameter, cursor, limit }: { sort: string; cursor?: string | undefined; limit: number },
  textSorts: readonly Sort[],
  id: z.ZodType<Id>,
): PageWanted<Sort, Id> {
  const sort = parameter.replace('-', '') as Sort;
  const sortedBy = textSorts.includes(sort) ? plainText(300) : z.string().regex(/^-?\d{1,18}$/);
  // A cursor is good for the order that it was given for.
  const place = decodeCursor(cursor, z.tuple([z.literal(parameter), sortedBy, id]));
  return {
    sort,
    descending: parameter !== sort,
    after: place === null ? null : { sortedBy: place[1], id: place[2] },
    limit,
  };
}

/** What a sorted list answers beside its entries. */
export function sortedPageFields(
  sort: string,
  next: Place<number | string> | null,
): ReturnType<typeof pageFieldsOf> {
  return pageFieldsOf(next === null ? null : [sort, next.sortedBy, next.id]);
}

/** An id of a row as PostgreSQL's INTEGER holds it. */
export const rowNumber = z.int().min(0).max(2_147_483_647);

export function pageFieldsOf(place: readonly unknown[] | null): {
  has_more: boolean;
  next_cursor: string | null;
} {
  return { has_more: place !== null, next_cursor: place === null ? null : encodeCursor(place) };
}

/** Base64url (RFC 4648) of the JSON of the place. */
export function encodeCursor(place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(place), 'utf8').toString('base64url');
}

/**
 * @param shape what a place of this list looks like
 * @returns null for the first page
 * @throws KeywardError cursor_invalid (400)
 */
export function decodeCursor<T>(cursor: string | undefined, shape: z.ZodType<T>): T | null {
  if (cursor === undefined) return null;
  const place = shape.safeParse(parse(cursor));
  if (!place.success) throw new KeywardError('cursor_invalid', { param: 'cursor' });
  return place.data;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
