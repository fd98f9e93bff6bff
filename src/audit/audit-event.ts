/**
 * What an audit event says: who did what to which thing, on what occasion, with what outcome. An event
 * holds no secrets: keys and tokens stand in it as fingerprints or by their numbers, and what looks like a
 * key is taken out of every text in it.
 */
import { redactSecrets } from '../providers/redact.ts';

export const auditActions = [
  'provider.created',
  'provider.changed',
  'provider.deleted',
  'provider.key_set',
  'provider.key_removed',
  'provider.key_reencrypted',
  'provider.key_tested',
  'provider.key_refused',
  'provider.source_changed',
  'rotation.started',
  'rotation.tested',
  'rotation.moved',
  'rotation.refused',
  'rotation.promoted',
  'rotation.rolled_back',
  'rotation.retired',
  'rotation.cancelled',
  'rotation.failed',
  'key.made',
  'key.adopted',
  'key.revoking',
  'key.revoked',
  'management.swept',
  'schedule.changed',
  'schedule.stopped',
  'management.changed',
  'policy.changed',
  'health.run_asked',
  'alert.acknowledged',
  'alert.snoozed',
  'alert.resolved',
  'alert_channel.created',
  'alert_channel.changed',
  'alert_channel.deleted',
  'alert_channel.tested',
  'token.created',
  'token.limited',
  'token.revoked',
  'model_alias.set',
  'model_alias.removed',
  'user_key.set',
  'user_key.removed',
  'user_key.tested',
  'user_key.refused',
  'session.started',
  'session.ended',
  'access.refused',
  'encryption_ring.changed',
  'encryption_ring.reencryption_begun',
  'encryption_ring.reencrypted',
  'encryption_ring.key_retired',
  'audit.retention',
  'archive.made',
  'archive.restored',
  'database.changed',
] as const;

export type AuditAction = (typeof auditActions)[number];

/** Who acts. `database`: a program that wrote past Keyward; `anonymous`: nobody that was recognised. */
type ActorKind =
  | 'admin_token'
  | 'bootstrap_token'
  | 'gateway_token'
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

/** Who it was, as columns such as changed_by hold it. */
export function writtenBy({ actor }: Pick<Occasion, 'actor'>): string {
  return actor.name.slice(0, 300);
}

type JsonObject = Readonly<Record<string, unknown>>;

/** `refused`: not allowed; `failed`: allowed, and it did not work. */
export const outcomes = ['done', 'refused', 'failed'] as const;

export type Outcome = (typeof outcomes)[number];

export interface AuditEntry {
  readonly action: AuditAction;
  readonly target: { readonly kind: string; readonly id: string };
  /** `done` where absent. */
  readonly outcome?: Outcome;
  readonly before?: JsonObject | null;
  readonly after?: JsonObject | null;
  /** Whose doing it was, where that is not the occasion on which it is recorded. */
  readonly occasion?: Occasion;
  /** When it happened, where that is not now. */
  readonly occurredAt?: Date;
}

/** An event as it was recorded, and its place in the chain. */
export interface RecordedEvent {
  readonly sequence: number;
  /** UTC, ISO 8601. */
  readonly occurred_at: string;
  readonly actor: {
    readonly kind: ActorKind;
    readonly id: string | null;
    readonly name: string;
    readonly role: Actor['role'];
    readonly address: string | null;
    readonly user_agent: string | null;
  };
  readonly action: AuditAction;
  readonly target: { readonly kind: string; readonly id: string };
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly request_id: string | null;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  readonly previous_hash: string;
  readonly hash: string;
}

/** Nothing that a person or a program sends may make an event grow without end. */
const longestText = 500;

/** The JSON text that is hashed and stored, to the letter; its fields stand in this order. */
export function eventText(sequence: number, occurredAt: Date, occasion: Occasion, entry: AuditEntry): string {
  const { actor, reason, requestId } = occasion;
  const event: Omit<RecordedEvent, 'previous_hash' | 'hash'> = {
    sequence,
    occurred_at: occurredAt.toISOString(),
    actor: {
      kind: actor.kind,
      id: actor.id,
      name: actor.name,
      role: actor.role,
      address: actor.address,
      user_agent: actor.userAgent,
    },
    action: entry.action,
    target: { kind: entry.target.kind, id: entry.target.id },
    outcome: entry.outcome ?? 'done',
    reason: reason ?? null,
    request_id: requestId ?? null,
    before: entry.before ?? null,
    after: entry.after ?? null,
  };
  return JSON.stringify(event, (_name, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  );
}

/** How the text of every event begins: a row that holds another's event shows it at once. */
export function eventPrefix(sequence: number): string {
  return `{"sequence":${sequence},`;
}

/** No key is shorter, and most texts are. */
const shortestKey = 12;

/**
 * Somebody's words as they may be stored: without keys, and at most so long as an event holds them. PostgreSQL's
 * JSON knows no NUL character, and half of a surrogate pair is no text.
 */
export function storable(text: string): string {
  // Cut to size last, since a part of a key would no longer look like one.
  const clean = text
    .slice(0, 4 * longestText)
    .replaceAll('\0', '')
    .toWellFormed();
  return (clean.length < shortestKey ? clean : redactSecrets(clean, [])).slice(0, longestText).toWellFormed();
}
