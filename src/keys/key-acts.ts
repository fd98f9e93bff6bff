/** What the acts on keys are handed: those of the admin API and of the command line are the same. */
import type { Occasion } from '../audit/audit-event.ts';
import type { Database } from '../database/database.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { Secret } from '../foundation/secret.ts';
import { redactSecrets } from '../providers/redact.ts';
import type { ChangeParts } from './change-provider.ts';

export interface KeyActParts {
  readonly changes: ChangeParts;
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
}

/** Whoever sends a key may have put it into the words beside it too, and what is recorded stays for good. */
export function occasionWithout(key: Secret, occasion: Occasion): Occasion {
  const clean = (text: string | null): string | null => text && redactSecrets(text, [key]);
  const { actor, reason = null } = occasion;
  return { ...occasion, actor: { ...actor, userAgent: clean(actor.userAgent) }, reason: clean(reason) };
}
