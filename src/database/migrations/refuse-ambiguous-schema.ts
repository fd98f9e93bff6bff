/** Whether the search path leads to one llm_providers, in the schema that new tables go to. Only reads. */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { MigrationFailure } from './migration-failure.ts';

/** @throws MigrationFailure that names every schema concerned, and the search path that is most likely meant */
export async function refuseAmbiguousSchema(db: Kysely<Tables>): Promise<void> {
  // The platform's own first: a table, with slugs.
  const { rows } = await sql<{ schema: string; likelihood: number }>`
    SELECT nspname AS schema,
           (relkind <> 'v')::int + (SELECT count(*) FROM pg_attribute
              WHERE attrelid = c.oid AND attname = 'provider_slug' AND NOT attisdropped)::int AS likelihood
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relname = 'llm_providers' AND relkind IN ('r', 'p', 'v') AND nspname = ANY (current_schemas(false))
     ORDER BY array_position(current_schemas(false), nspname)`.execute(db);
  const schemas = rows.map(({ schema }) => schema);
  const current = await sql<{ schema: string | null }>`SELECT current_schema() AS schema`.execute(db);
  const own = current.rows[0]?.schema ?? null;
  if (own === null) {
    throw new MigrationFailure(
      'The search_path of this role names no schema that exists, so there is nowhere to put tables.',
      'failed',
    );
  }
  if (schemas.length === 0 || (schemas.length === 1 && schemas[0] === own)) return;
  const [likeliest] = rows.toSorted((a, b) => b.likelihood - a.likelihood);
  throw new MigrationFailure(
    `The search_path leads to llm_providers in ${schemas.join(' and in ')}, and new tables go to ${own}: it is not clear which is meant. Set search_path to the one schema, for example with ?options=-csearch_path%3D${encodeURIComponent(likeliest?.schema ?? own)} in DATABASE_URL. Nothing was changed.`,
    'failed',
  );
}
