/** The alerts read back: a page of a filtered list, the newest first, and one of them. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { alertOf, type StoredAlert } from './alert-store.ts';
import type { Severity } from './condition.ts';

export interface AlertFilter {
  readonly state?: 'open' | 'resolved' | undefined;
  readonly severity?: Severity | undefined;
  readonly kind?: string | undefined;
  /** Slug. */
  readonly provider?: string | undefined;
}

export interface AlertPage {
  readonly alerts: readonly StoredAlert[];
  /** The id before which the next page begins; null after the last one. */
  readonly next: string | null;
}

export async function listAlerts(
  db: Kysely<Tables>,
  { filter, before, limit }: { filter: AlertFilter; before: string | null; limit: number },
): Promise<AlertPage> {
  const { state, severity, kind, provider } = filter;
  let query = db
    .selectFrom('keyward_alerts')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (before !== null) query = query.where('id', '<', before);
  if (state !== undefined) query = query.where('resolved_at', state === 'open' ? 'is' : 'is not', null);
  if (severity !== undefined) query = query.where('severity', '=', severity);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  if (provider !== undefined) query = query.where(sql<boolean>`details ->> 'provider' = ${provider}`);
  const rows = await query.execute();
  const page = rows.slice(0, limit);
  return { alerts: page.map(alertOf), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}

/** The slugs of the providers that open alerts say do not answer. */
export async function readSilentProviders(db: Kysely<Tables>): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('keyward_alerts')
    .selectAll()
    .where('resolved_at', 'is', null)
    .where('kind', 'in', ['provider_unreachable', 'network'])
    .execute();
  const slugs = rows
    .map(alertOf)
    .flatMap(({ details: { provider, providers = [] } }) => [
      ...(provider === undefined ? [] : [provider]),
      ...providers,
    ]);
  return [...new Set(slugs)];
}

export async function findAlert(db: Kysely<Tables>, id: string): Promise<StoredAlert | undefined> {
  const row = await db.selectFrom('keyward_alerts').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : alertOf(row);
}
