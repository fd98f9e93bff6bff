/**
 * What calls hear of keys that users brought, on its way to the database: that a provider has refused one. Telling
 * costs a look-up in memory; each refusal of a key is written down once.
 */
import type { Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { RecurringWork } from '../foundation/recurring-work.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import { quotable } from '../providers/redact.ts';
import { noteValidation, userKeyTarget } from './user-key-store.ts';
import type { UserKey } from './user-keys.ts';

export interface UserKeyWatchParts {
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Logger;
  readonly occasion: Occasion;
}

interface Refusal {
  readonly key: UserKey;
  readonly slug: string;
  readonly message: string;
  readonly at: Date;
}

const longestMessage = 500;

export class UserKeyWatch {
  readonly #parts: UserKeyWatchParts;
  readonly #work: RecurringWork;
  /** By the token that was refused. */
  #refused = new Map<string, Refusal>();
  /** Those that are written down already; of a key that serves on, every call is refused. */
  #written = new Set<string>();

  constructor(parts: UserKeyWatchParts) {
    this.#parts = parts;
    this.#work = new RecurringWork({
      run: async () => this.flush(),
      everyMs: 3_600_000,
      pauseMs: 1_000,
      longestWaitMs: 30_000,
      onFailed: (error) =>
        parts.log.debug({ err: error }, 'refusals of keys of users cannot be written down yet'),
      onRecovered: () => undefined,
    });
  }

  async stop(): Promise<void> {
    await this.#work.stop();
  }

  /** @param message of the provider */
  refused(key: UserKey, slug: string, message: string): void {
    if (this.#written.has(key.storedToken) || this.#refused.has(key.storedToken)) return;
    const known = key.key === null ? [] : [key.key];
    this.#refused.set(key.storedToken, {
      key,
      slug,
      message: quotable(message, known, longestMessage),
      at: this.#parts.clock.now(),
    });
    this.#work.wake();
  }

  async flush(): Promise<void> {
    for (const [token, { key, slug, message, at }] of this.#refused) {
      await this.#parts.audit.change(this.#parts.occasion, async (tx, record) => {
        const isStill = await noteValidation(tx, token, { isValid: false, problem: message, at });
        if (!isStill) return;
        record({
          action: 'user_key.refused',
          target: userKeyTarget(key.owner, slug),
          after: { fingerprint: key.key?.fingerprint ?? null, message },
        });
      });
      this.#refused.delete(token);
      this.#written.add(token);
    }
  }

  /** What is stored no more is remembered no more. */
  keepOnly(tokens: ReadonlySet<string>): void {
    for (const token of this.#written) if (!tokens.has(token)) this.#written.delete(token);
  }
}
