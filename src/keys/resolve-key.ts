/**
 * Which key serves a provider: the rule of the four sources, as a pure function. It never throws and
 * always says why, so that every answer, list and message can explain its key.
 */
import type { Secret } from '../foundation/secret.ts';

export type KeySource = 'database' | 'environment';

/** Why a hybrid provider is not served by the database key that it has. */
export type Fallback = 'database_key_unreadable' | 'database_key_dead';

export interface KeyCandidates {
  /** The column api_key_source as it stands, also a value that nobody knows. */
  readonly configuredSource: string;
  /** The stored key: absent, readable, or a reason why it cannot be used. */
  readonly database: { readonly key: Secret } | { readonly problem: string } | null;
  /** The stored key was tested and proven dead (api_key_test_status = invalid). */
  readonly databaseKeyDead: boolean;
  readonly environment: { readonly key: Secret } | { readonly problem: string } | null;
  /** {SLUG}_API_KEY, for the explanation. */
  readonly environmentName: string;
}

export interface Resolution {
  readonly key: Secret | null;
  /** Where the key came from; null when there is none. */
  readonly source: KeySource | null;
  readonly fallback: Fallback | null;
  /** One sentence. */
  readonly reason: string;
  /** A stored or set key that should serve but cannot be used, in words; null when all is well. */
  readonly problem: string | null;
}

/**
 * Source: the seed's get_provider_api_key: environment, database, hybrid, and environment for any
 * unknown value. Hybrid also falls back, loudly, when the stored key is unreadable or proven dead.
 */
export function resolveKey(candidates: KeyCandidates): Resolution {
  if (candidates.configuredSource === 'database') return fromDatabase(candidates);
  if (candidates.configuredSource === 'hybrid') return fromEither(candidates);
  const unknown = candidates.configuredSource !== 'environment';
  return fromEnvironment(
    candidates,
    unknown ? `api_key_source "${candidates.configuredSource}" is not known, so ` : '',
  );
}

function fromDatabase({ database }: KeyCandidates): Resolution {
  if (database === null) return none('the source is database and no key is stored');
  if ('problem' in database)
    return none(`the stored key cannot be used: ${database.problem}`, database.problem);
  return {
    key: database.key,
    source: 'database',
    fallback: null,
    reason: 'the source is database',
    problem: null,
  };
}

function fromEnvironment({ environment, environmentName }: KeyCandidates, because: string): Resolution {
  if (environment === null)
    return none(`${because}the source is environment and ${environmentName} is not set`);
  if ('problem' in environment) {
    return none(`${because}${environmentName} cannot be used: ${environment.problem}`, environment.problem);
  }
  return {
    key: environment.key,
    source: 'environment',
    fallback: null,
    reason: `${because}the source is environment (${environmentName})`,
    problem: null,
  };
}

function fromEither(candidates: KeyCandidates): Resolution {
  const { database, databaseKeyDead } = candidates;
  if (database !== null && 'key' in database && !databaseKeyDead) {
    return { ...fromDatabase(candidates), reason: 'the source is hybrid and a key is stored' };
  }
  const environment = fromEnvironment(candidates, '');
  if (database === null) {
    if (environment.key === null) {
      const name = candidates.environmentName;
      return none(
        `the source is hybrid, no key is stored and ${environment.problem ? `${name} cannot be used: ${environment.problem}` : `${name} is not set`}`,
        environment.problem,
      );
    }
    return {
      ...environment,
      reason: `the source is hybrid and no key is stored (${candidates.environmentName})`,
    };
  }
  if (environment.key === null) {
    // A key that is thought dead is still better than none: its provider has the last word.
    return {
      ...fromDatabase(candidates),
      problem: 'problem' in database ? database.problem : 'the last test proved the stored key dead',
    };
  }
  const unreadable = 'problem' in database;
  const problem = unreadable ? database.problem : 'the last test proved the stored key dead';
  return {
    ...environment,
    fallback: unreadable ? 'database_key_unreadable' : 'database_key_dead',
    reason: `the source is hybrid and the stored key is set aside: ${problem} (${candidates.environmentName})`,
    problem,
  };
}

function none(reason: string, problem: string | null = null): Resolution {
  return { key: null, source: null, fallback: null, reason, problem };
}
