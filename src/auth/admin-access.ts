/**
 * Recognises administrators by their tokens. What is refused is refused in the same words whatever was
 * wrong with it, and a good token that nobody can guess is never kept waiting for the failures of others.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Secret } from '../foundation/secret.ts';
import type { AdminIdentity } from './admin-identity.ts';
import { AttemptLimiter } from './attempt-limiter.ts';
import { sameText } from './session-secret.ts';
import { beginningOf, hashOf, hashToken, looksUnguessable, type AdminRole } from './token.ts';
import { findAdminToken, noteTokenUse, stateOf, type TokenFacts } from './token-store.ts';

export interface AdminAccessParts {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  readonly bootstrapToken: Secret | undefined;
  readonly log: Logger;
}

/** How often it is noted that a token is in use. */
const noteUseMs = 60_000;

export class AdminAccess {
  readonly #parts: AdminAccessParts;
  readonly #bootstrapHash: string | undefined;
  readonly #limiter: AttemptLimiter;

  constructor(parts: AdminAccessParts) {
    this.#parts = parts;
    this.#bootstrapHash = parts.bootstrapToken === undefined ? undefined : hashOf(parts.bootstrapToken);
    this.#limiter = new AttemptLimiter(parts.clock);
  }

  /**
   * Whose token this is.
   *
   * While its address is slowed down, a text that somebody may have thought of is not looked at at all: whether
   * it was right would be the oracle that the slowing takes away. One that is random is, since it is not found
   * by trying; so nobody can lock its owner out, not even from the same address.
   * @throws KeywardError token_invalid (401) or too_many_attempts (429)
   */
  async byToken(token: string, address: string): Promise<AdminIdentity> {
    const beginning = beginningOf(token);
    const pauseMs = this.#limiter.pauseMs(address, beginning);
    if (pauseMs > 0 && !looksUnguessable(token)) throw tooMany(pauseMs);
    const identity = await this.#find(hashToken(token));
    if (identity !== undefined) return identity;
    if (pauseMs > 0) throw tooMany(pauseMs);
    this.#limiter.failed(address, beginning);
    throw new KeywardError('token_invalid');
  }

  /** By hash only: what it takes to compare or to look one up tells nothing of a token, since nobody can steer a hash. */
  async #find(tokenHash: string): Promise<AdminIdentity | undefined> {
    if (this.#bootstrapHash !== undefined && sameText(tokenHash, this.#bootstrapHash))
      return bootstrapIdentity;
    const token = await findAdminToken(this.#parts.db, tokenHash);
    const now = this.#parts.clock.now();
    if (token === undefined || stateOf(token, now) !== 'good') return undefined;
    this.#noteUse(token, now);
    return identityOf(token);
  }

  /** Not worth failing a request for. */
  #noteUse({ id, lastUsedAt }: TokenFacts, now: Date): void {
    if (lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < noteUseMs) return;
    noteTokenUse(this.#parts.db, id, now, noteUseMs).catch((error: unknown) =>
      this.#parts.log.debug({ err: error }, 'the use of a token was not noted'),
    );
  }
}

const bootstrapIdentity: AdminIdentity = {
  kind: 'bootstrap_token',
  id: null,
  name: 'KEYWARD_ADMIN_TOKEN',
  role: 'admin',
  subject: 'bootstrap',
  expiresAt: null,
  session: null,
};

function identityOf({ id, name, role, expiresAt }: TokenFacts & { role: AdminRole }): AdminIdentity {
  return {
    kind: 'admin_token',
    id: String(id),
    name,
    role,
    subject: `token:${id}`,
    expiresAt,
    session: null,
  };
}

function tooMany(pauseMs: number): KeywardError {
  return new KeywardError('too_many_attempts', { retryAfterSeconds: Math.ceil(pauseMs / 1000) });
}
