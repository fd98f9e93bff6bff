/**
 * The tokens that are good now beside what the trail says of them: who can write past the triggers can make one,
 * or raise one, and no event would tell of it.
 */
import { sql, type Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { TrailRemark } from './compare-stored-keys.ts';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly role: string;
  /** What the last event says of it; null: none tells of it. */
  readonly action: string | null;
  readonly recorded_kind: string | null;
  readonly recorded_role: string | null;
}

/** Tokens from before the first event that is there are left out: a retention may have removed what told of them. */
export async function compareStoredTokens(db: Kysely<Tables>): Promise<TrailRemark[]> {
  const { rows } = await sql<Row>`
    WITH begun AS (
      SELECT CASE WHEN sequence = 1
                  THEN (SELECT applied_at FROM keyward_migrations WHERE version = '006')
                  ELSE (event::jsonb ->> 'occurred_at')::timestamptz AT TIME ZONE 'UTC' END AS at
        FROM keyward_audit_events ORDER BY sequence LIMIT 1)
    SELECT t.id, t.name, t.kind, coalesce(t.role, 'admin') AS role, last.action,
           last.event::jsonb -> 'after' ->> 'kind' AS recorded_kind,
           last.event::jsonb -> 'after' ->> 'role' AS recorded_role
      FROM keyward_tokens AS t
      LEFT JOIN LATERAL (
        SELECT action, event FROM keyward_audit_events
         WHERE target_kind = 'token' AND target_id = t.id::text AND action IN ('token.created', 'database.changed')
         ORDER BY sequence DESC LIMIT 1) AS last ON true
     WHERE t.revoked_at IS NULL AND t.created_at > (SELECT at FROM begun)
       AND NOT EXISTS (SELECT FROM keyward_foreign_changes WHERE table_name = 'keyward_tokens')
     ORDER BY t.id`.execute(db);
  return rows.flatMap((row) => {
    const message = differenceOf(row);
    return message === undefined ? [] : [{ provider: null, message }];
  });
}

function differenceOf({
  id,
  name,
  kind,
  role,
  action,
  recorded_kind,
  recorded_role,
}: Row): string | undefined {
  const called = `The ${kind} token number ${id} ("${name}")`;
  const advice = `If nobody knows it: keyward tokens revoke ${id}`;
  if (action === null) return `${called} is there, and no event tells of it. ${advice}`;
  if (action !== 'token.created') return undefined;
  const isAsRecorded = kind === recorded_kind && (kind !== 'admin' || role === recorded_role);
  if (isAsRecorded) return undefined;
  return `${called} has the role ${role}, and was made as ${recorded_kind} token${recorded_role === null ? '' : ` with the role ${recorded_role}`}. ${advice}`;
}
