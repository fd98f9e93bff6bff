/** Who an administrator is once recognised, whatever was presented: a token, or the cookie of a session. */
import type { AdminRole } from './token.ts';

export interface AdminIdentity {
  readonly kind: 'admin_token' | 'bootstrap_token' | 'session';
  /** Number of the token, public id of the session; null for the bootstrap token. */
  readonly id: string | null;
  readonly name: string;
  readonly role: AdminRole;
  /** The person or the token behind it: all sessions of one subject can be ended together. */
  readonly subject: string;
  /** When the token or the session ends at the latest. */
  readonly expiresAt: Date | null;
  readonly session: SessionFacts | null;
}

interface SessionFacts {
  readonly method: SignInMethod;
  /** What requests that change something must carry. */
  readonly csrfToken: string;
  readonly createdAt: Date;
}

export type SignInMethod = 'token' | 'oidc';
