/** Everything that decides who may administer, built once and handed to the admin API. */
import type { Kysely } from 'kysely';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { Logger } from '../foundation/logger.ts';
import { AdminAccess } from './admin-access.ts';
import { RefusalRecorder } from './refusal-recorder.ts';
import { Sessions } from './sessions.ts';
import type { SingleSignOn } from './single-sign-on.ts';

export interface AdminAuth {
  readonly access: AdminAccess;
  readonly sessions: Sessions;
  /** Undefined where it is off. */
  readonly signOn: SingleSignOn | undefined;
  readonly refusals: RefusalRecorder;
}

export interface AdminAuthParts {
  readonly config: Config;
  readonly db: Kysely<Tables>;
  readonly audit: AuditTrail;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly log: Logger;
}

export async function createAdminAuth(parts: AdminAuthParts): Promise<AdminAuth> {
  const { config, db, audit, ring, clock, log } = parts;
  const bootstrapToken = config.adminToken;
  return {
    access: new AdminAccess({ db, clock, bootstrapToken, log }),
    sessions: new Sessions({
      db,
      audit,
      ring,
      clock,
      limits: config.session,
      bootstrapToken,
      signOnIsOn: config.signOn !== undefined,
      log,
    }),
    signOn: await singleSignOn(parts),
    refusals: new RefusalRecorder({ audit, clock, log }),
  };
}

/** Read only where it is on: most installations start faster without. */
async function singleSignOn({ config, ring, clock }: AdminAuthParts): Promise<SingleSignOn | undefined> {
  if (config.signOn === undefined) return undefined;
  const { SingleSignOn } = await import('./single-sign-on.ts');
  return new SingleSignOn({ config: config.signOn, ring, clock });
}
