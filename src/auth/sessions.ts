/**
 * The table keyward_sessions: administrators in a browser. A session holds as long as it is used, no longer
 * than its lifetime, and not a moment longer than the token that it was begun with.
 */
import type { Kysely } from 'kysely';
import type { AuditEntry, Occasion } from '../audit/audit-event.ts';
import type { AuditTrail, RecordEvent } from '../audit/audit-trail.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Page } from '../database/keyset.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { AdministratorsConfig } from '../foundation/config-administrators.ts';
import type { Logger } from '../foundation/logger.ts';
import { Secret } from '../foundation/secret.ts';
import type { AdminIdentity, SignInMethod } from './admin-identity.ts';
import {
  liveSessions,
  pageOfSessions,
  type SessionLife,
  type SessionList,
  type SessionRow,
  type TokenOfSession,
} from './list-sessions.ts';
import {
  csrfTokenOf,
  endsAsBegun,
  looksLikeSessionSecret,
  newSessionSecret,
  sessionHashes,
} from './session-secret.ts';
import { hashOf, type AdminRole } from './token.ts';

export interface SessionParts {
  readonly db: Kysely<Tables>;
  readonly audit: AuditTrail;
  /** Under whose keys the cookies are hashed; a session ends when its key leaves the ring. */
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly limits: AdministratorsConfig['session'];
  readonly bootstrapToken: Secret | undefined;
  /** Without single sign-on its sessions are good no more. */
  readonly signOnIsOn: boolean;
  readonly log: Logger;
}

/** Who signed in, and how. */
export interface SignIn {
  readonly method: SignInMethod;
  /** Null for single sign-on and for the bootstrap token. */
  readonly tokenId: number | null;
  readonly subject: string;
  readonly name: string;
  readonly role: AdminRole;
  /** When what was presented expires. */
  readonly expiresAt: Date | null;
}

export interface Session {
  readonly publicId: string;
  readonly method: SignInMethod;
  readonly subject: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  /** To about a minute. */
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
}

/** How often it is noted that a session is in use, where its idle time allows that. */
const touchMs = 60_000;

export class Sessions {
  readonly #parts: SessionParts;
  /** Sessions of the bootstrap token have no row to end with: their hash ends with it instead. */
  readonly #bootstrapHash: string | undefined;
  readonly #touchMs: number;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#bootstrapHash = parts.bootstrapToken === undefined ? undefined : hashOf(parts.bootstrapToken);
    this.#touchMs = Math.min(touchMs, parts.limits.idleTimeoutMs / 4);
  }

  /**
   * Begins a session, and ends the one that the browser had, if any.
   * @param replaced the cookie that came with the sign-in
   * @returns the secret for the cookie, which is the only copy
   * @throws KeywardError audit_unavailable (503)
   */
  async start(
    occasion: Occasion,
    signIn: SignIn,
    replaced?: string,
  ): Promise<{ secret: Secret; identity: AdminIdentity }> {
    const now = this.#parts.clock.now();
    const latest = now.getTime() + this.#parts.limits.lifetimeMs;
    const expiresAt = new Date(Math.min(latest, signIn.expiresAt?.getTime() ?? latest));
    const secret = newSessionSecret(expiresAt);
    const isBootstrap = signIn.method === 'token' && signIn.tokenId === null;
    const boundTo = isBootstrap ? this.#bootstrapHash : undefined;
    const [idHash] = sessionHashes(this.#parts.ring, secret, { role: signIn.role, boundTo });
    const { value: row } = await this.#parts.audit.change(occasion, async (tx, record) => {
      if (replaced !== undefined) await this.#endReplaced(tx, record, replaced);
      await this.#forgetEnded(tx, now);
      const made = await tx
        .insertInto('keyward_sessions')
        .values({
          id_hash: idHash,
          method: signIn.method,
          token_id: signIn.tokenId,
          subject: fit(signIn.subject, 300),
          name: fit(signIn.name, 300),
          role: signIn.role,
          address: occasion.actor.address && fit(occasion.actor.address, 100),
          user_agent: occasion.actor.userAgent && fit(occasion.actor.userAgent, 500),
          created_at: now,
          last_seen_at: now,
          expires_at: expiresAt,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      record({
        action: 'session.started',
        target: { kind: 'session', id: made.public_id },
        after: {
          method: made.method,
          subject: made.subject,
          name: made.name,
          role: made.role,
          expires_at: expiresAt,
        },
      });
      return made;
    });
    return { secret, identity: identityOf({ ...row, token_role: null }, secret) };
  }

  /** Whose session this cookie is; undefined for one that never was, is over, or has lost its token. */
  async find(cookie: string): Promise<AdminIdentity | undefined> {
    if (!looksLikeSessionSecret(cookie)) return undefined;
    const secret = new Secret(cookie);
    const row = await liveSessions(this.#parts.db, this.#life())
      .where('id_hash', 'in', [...this.#hashesOf(secret, 'admin'), ...this.#hashesOf(secret, 'viewer')])
      .executeTakeFirst();
    if (row === undefined || !this.#hashesOf(secret, row.role).includes(row.id_hash)) return undefined;
    if (!endsAsBegun(secret, row.expires_at)) return undefined;
    this.#touch(row);
    return identityOf(row, secret);
  }

  /** Ends one session. False when there is none of this public id. */
  async end(occasion: Occasion, publicId: string): Promise<boolean> {
    const { value } = await this.#parts.audit.change(occasion, async (tx, record) => {
      const row = await tx
        .deleteFrom('keyward_sessions')
        .where('public_id', '=', publicId)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return false;
      record(endOf(row));
      return true;
    });
    return value;
  }

  /** Ends all sessions of one subject; says how many there were. */
  async endAllOf(occasion: Occasion, subject: string): Promise<number> {
    const { value } = await this.#parts.audit.change(occasion, async (tx, record) => {
      const ended = await tx
        .deleteFrom('keyward_sessions')
        .where('subject', '=', subject)
        .returning('public_id')
        .execute();
      if (ended.length > 0)
        record({
          action: 'session.ended',
          target: { kind: 'subject', id: subject },
          before: { sessions: ended.length },
        });
      return ended.length;
    });
    return value;
  }

  /** The sessions that hold, a page at a time. */
  async list(list: SessionList): Promise<Page<Session, string>> {
    const page = await pageOfSessions(this.#parts.db, this.#life(), list);
    return { rows: page.rows.map((row) => sessionOf(row)), next: page.next };
  }

  #hashesOf(secret: Secret, role: AdminRole): string[] {
    const { ring } = this.#parts;
    const boundTo = this.#bootstrapHash;
    return [
      ...sessionHashes(ring, secret, { role }),
      ...(boundTo === undefined ? [] : sessionHashes(ring, secret, { role, boundTo })),
    ];
  }

  #life(): SessionLife {
    const { clock, limits, signOnIsOn } = this.#parts;
    const now = clock.now();
    return {
      now,
      usedAfter: new Date(now.getTime() - limits.idleTimeoutMs),
      signOnIsOn,
      hasBootstrapToken: this.#bootstrapHash !== undefined,
    };
  }

  /** Not worth failing a request for: at worst the session ends early. */
  #touch(row: SessionRow): void {
    const now = this.#parts.clock.now();
    if (now.getTime() - row.last_seen_at.getTime() < this.#touchMs) return;
    this.#parts.db
      .updateTable('keyward_sessions')
      .set({ last_seen_at: now })
      .where('id_hash', '=', row.id_hash)
      .where('last_seen_at', '<=', new Date(now.getTime() - this.#touchMs))
      .execute()
      .catch((error: unknown) => this.#parts.log.debug({ err: error }, 'the use of a session was not noted'));
  }

  async #endReplaced(tx: Kysely<Tables>, record: RecordEvent, cookie: string): Promise<void> {
    if (!looksLikeSessionSecret(cookie)) return;
    const secret = new Secret(cookie);
    const row = await tx
      .deleteFrom('keyward_sessions')
      .where('id_hash', 'in', [...this.#hashesOf(secret, 'admin'), ...this.#hashesOf(secret, 'viewer')])
      .returningAll()
      .executeTakeFirst();
    if (row !== undefined) record(endOf(row));
  }

  async #forgetEnded(tx: Kysely<Tables>, now: Date): Promise<void> {
    const idleSince = new Date(now.getTime() - this.#parts.limits.idleTimeoutMs);
    await tx
      .deleteFrom('keyward_sessions')
      .where((where) => where.or([where('expires_at', '<=', now), where('last_seen_at', '<=', idleSince)]))
      .execute();
  }
}

function endOf({ public_id: id, method, subject, name }: SessionRow): AuditEntry {
  return { action: 'session.ended', target: { kind: 'session', id }, before: { method, subject, name } };
}

function identityOf(row: SessionRow & Pick<TokenOfSession, 'token_role'>, secret: Secret): AdminIdentity {
  return {
    kind: 'session',
    id: row.public_id,
    name: row.name,
    role: roleOf(row),
    subject: row.subject,
    expiresAt: row.expires_at,
    session: { method: row.method, csrfToken: csrfTokenOf(secret), createdAt: row.created_at },
  };
}

function sessionOf(row: SessionRow & TokenOfSession): Session {
  return {
    publicId: row.public_id,
    method: row.method,
    subject: row.subject,
    name: row.name,
    role: roleOf(row),
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
  };
}

/** Whoever takes the role of a token back takes it from its sessions too. */
function roleOf({
  role,
  token_role: tokenRole,
}: Pick<SessionRow & TokenOfSession, 'role' | 'token_role'>): AdminRole {
  return role === 'admin' && tokenRole !== 'viewer' ? 'admin' : 'viewer';
}

/** What an identity provider says may be of any length, and PostgreSQL's text knows no NUL character. */
function fit(text: string, length: number): string {
  return text.slice(0, length).replaceAll('\0', '').toWellFormed();
}
