/**
 * What an audit event says: who did what to which thing, on what occasion, with what outcome. An event
 * holds no secrets: keys and tokens stand in it as fingerprints or by their numbers.
 */

export const auditActions = [
  'provider.created',
  'provider.changed',
  'provider.deleted',
  'provider.key_set',
  'provider.key_removed',
  'provider.key_tested',
  'provider.source_changed',
  'token.created',
  'token.revoked',
  'session.started',
  'session.ended',
  'access.refused',
  'encryption_ring.changed',
  'audit.retention',
  'database.changed',
] as const;

export type AuditAction = (typeof auditActions)[number];

/** Who acts. `database`: a program that wrote past Keyward; `anonymous`: nobody that was recognised. */
export type ActorKind =
  | 'admin_token'
  | 'bootstrap_token'
  | 'session'
  | 'command'
  | 'system'
  | 'database'
  | 'anonymous';

export interface Actor {
  readonly kind: ActorKind;
  /** Identifies the actor among those of its kind; null where the kind says it all. */
  readonly id: string | null;
  readonly name: string;
  readonly role: 'admin' | 'viewer' | null;
  /** Network address that the request came from. */
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** What all events of one request or command share. */
export interface Occasion {
  readonly actor: Actor;
  readonly requestId?: string | null;
  /** In the actor's words. */
  readonly reason?: string | null;
}

type JsonObject = Readonly<Record<string, unknown>>;

export interface AuditEntry {
  readonly action: AuditAction;
  readonly target: { readonly kind: string; readonly id: string };
  /** `refused`: not allowed; `failed`: allowed, and it did not work. */
  readonly outcome?: 'done' | 'refused' | 'failed';
  readonly before?: JsonObject | null;
  readonly after?: JsonObject | null;
}

/** Nothing that a person or a program sends may make an event grow without end. */
const longestText = 500;

/** The JSON text that is hashed and stored, to the letter; its fields stand in this order. */
export function eventText(sequence: number, occurredAt: Date, occasion: Occasion, entry: AuditEntry): string {
  const { actor } = occasion;
  return JSON.stringify({
    sequence,
    occurred_at: occurredAt.toISOString(),
    actor: {
      kind: actor.kind,
      id: cut(actor.id),
      name: cut(actor.name),
      role: actor.role,
      address: cut(actor.address),
      user_agent: cut(actor.userAgent),
    },
    action: entry.action,
    target: { kind: entry.target.kind, id: cut(entry.target.id) },
    outcome: entry.outcome ?? 'done',
    reason: cut(occasion.reason ?? null),
    request_id: cut(occasion.requestId ?? null),
    before: entry.before ?? null,
    after: entry.after ?? null,
  });
}

/** PostgreSQL's JSON knows no NUL character, and half of a surrogate pair is no text. */
function cut(text: string | null): string | null {
  return text === null ? null : text.slice(0, longestText).replaceAll('\0', '').toWellFormed();
}
