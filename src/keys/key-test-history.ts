/** The table keyward_key_tests read back: the history of a provider, newest first, and what was last known of one key. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../database/tables.ts';

export type RecordedTest = Selectable<Tables['keyward_key_tests']>;

export interface KeyTestPage {
  readonly rows: readonly RecordedTest[];
  /** The id before which the next page begins; null after the last one. */
  readonly next: string | null;
}

export async function listKeyTests(
  db: Kysely<Tables>,
  slug: string,
  { before, limit, verdict }: { before: string | null; limit: number; verdict?: string | undefined },
): Promise<KeyTestPage> {
  let query = db
    .selectFrom('keyward_key_tests')
    .selectAll()
    .where('provider_slug', '=', slug)
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (before !== null) query = query.where('id', '<', before);
  if (verdict !== undefined) query = query.where('verdict', '=', verdict);
  const rows = await query.execute();
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}

/** The newest test of this key at this provider; undefined where there was none. */
export async function lastKeyTest(
  db: Kysely<Tables>,
  slug: string,
  fingerprint: string,
): Promise<RecordedTest | undefined> {
  return db
    .selectFrom('keyward_key_tests')
    .selectAll()
    .where('provider_slug', '=', slug)
    .where('fingerprint', '=', fingerprint)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}
