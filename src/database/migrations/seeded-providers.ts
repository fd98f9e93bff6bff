/**
 * Whether the providers that a migration adds are there: the only trace of one that brings rows and nothing
 * that the catalogue could tell. Only reads.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import type { Facts } from './catalogue.ts';
import type { Migration } from './migration-files.ts';

/** A row of a seed begins with name and slug. */
const seed = /^ +\('[^']+', '([a-z0-9-]+)', '/gm;

/** The slugs of the providers that a migration adds. */
export function seededSlugs({ sql: text }: Migration): string[] {
  return [...text.matchAll(seed)].flatMap(([, slug]) => slug ?? []);
}

/** @param found the facts of the database, which say whether there can be slugs to look at */
export async function areSeedsThere(
  db: Kysely<Tables>,
  migration: Migration,
  found: Facts,
): Promise<boolean> {
  const slugs = seededSlugs(migration);
  if (slugs.length === 0 || !found.has('column llm_providers.provider_slug')) return false;
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) AS count FROM llm_providers WHERE provider_slug = ANY (${slugs})`.execute(db);
  return Number(rows[0]?.count ?? 0) === slugs.length;
}
