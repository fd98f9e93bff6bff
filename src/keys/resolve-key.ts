/**
 * Which key serves a provider: the rule of the four sources, as a pure function. It never throws and
 * always says why, so that every answer, list and message can explain its key.
 */
import type { Secret } from '../foundation/secret.ts';

export type KeySource = 'database' | 'environment';

/** Why a hybrid provider is not served by the database key that it has. */
export const fallbacks = ['database_key_unreadable', 'database_key_parked', 'database_key_dead'] as const;

export type Fallback = (typeof fallbacks)[number];

/** A stored key that may serve. */
export interface UsableKey {
  readonly key: Secret;
  /** What should be said of it all the same, as a clause. */
  readonly remark?: string;
}

/** A stored key that may not serve. */
export interface UnusableKey {
  /**
   * In words. Of an unreadable key they go on from "the stored key cannot be used"; of a parked one they
   * stand by themselves.
   */
  readonly problem: string;
  /** It is readable, but bound to something else, or to nothing where a binding is asked for. */
  readonly parked?: true;
}

export interface KeyCandidates {
  /** The column api_key_source as it stands, also a value that nobody knows. */
  readonly configuredSource: string;
  /** Null where none is stored. */
  readonly database: UsableKey | UnusableKey | null;
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
  /** The key that serves was tested and proven dead; there is no better one. */
  readonly isProvenDead: boolean;
  /** What takes over within a call when the key is refused: of a hybrid provider the key of its environment. */
  readonly standby: { readonly key: Secret; readonly source: KeySource } | null;
}

/**
 * Source: the seed's get_provider_api_key: environment, database, hybrid, and environment for any
 * unknown value. Hybrid also falls back, loudly, when the stored key is unreadable, parked or proven dead.
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

function fromDatabase({ database, databaseKeyDead }: KeyCandidates): Resolution {
  if (database === null) return none('the source is database and no key is stored');
  if ('problem' in database) {
    return none(
      isParked(database) ? database.problem : `the stored key cannot be used: ${database.problem}`,
      database.problem,
    );
  }
  return { ...stored(database, 'the source is database'), isProvenDead: databaseKeyDead };
}

const alone = { fallback: null, problem: null, isProvenDead: false, standby: null } as const;

function stored({ key, remark }: UsableKey, because: string): Resolution {
  const reason = remark === undefined ? because : `${because}; ${remark}`;
  return { ...alone, key, source: 'database', reason };
}

function fromEnvironment({ environment, environmentName }: KeyCandidates, because: string): Resolution {
  if (environment === null)
    return none(`${because}the source is environment and ${environmentName} is not set`);
  if ('problem' in environment) {
    return none(`${because}${environmentName} cannot be used: ${environment.problem}`, environment.problem);
  }
  return {
    ...alone,
    key: environment.key,
    source: 'environment',
    reason: `${because}the source is environment (${environmentName})`,
  };
}

function fromEither(candidates: KeyCandidates): Resolution {
  const { database, databaseKeyDead } = candidates;
  const environment = fromEnvironment(candidates, '');
  if (database !== null && 'key' in database && !databaseKeyDead) {
    const { key, source } = environment;
    const standby = key === null || source === null ? null : { key, source };
    return { ...stored(database, 'the source is hybrid and a key is stored'), standby };
  }
  if (database === null) {
    if (environment.key === null) {
      return none(
        `the source is hybrid, no key is stored and ${whatIsMissing(candidates, environment)}`,
        environment.problem,
      );
    }
    return {
      ...environment,
      reason: `the source is hybrid and no key is stored (${candidates.environmentName})`,
    };
  }
  const problem = 'problem' in database ? database.problem : 'the last test proved the stored key dead';
  // A key that is thought dead is still better than none: its provider has the last word.
  if (environment.key === null) {
    if ('problem' in database) return { ...fromDatabase(candidates), problem };
    const missing = whatIsMissing(candidates, environment);
    const last = stored(database, `the source is hybrid, ${problem}, and ${missing}`);
    return { ...last, problem, isProvenDead: true };
  }
  return {
    ...environment,
    fallback: fallbackFrom(database),
    reason: `the source is hybrid and ${isParked(database) ? '' : 'the stored key is set aside: '}${problem} (${candidates.environmentName})`,
    problem,
  };
}

function whatIsMissing({ environmentName: name }: KeyCandidates, { problem }: Resolution): string {
  return problem === null ? `${name} is not set` : `${name} cannot be used: ${problem}`;
}

function isParked(database: UsableKey | UnusableKey): boolean {
  return 'problem' in database && database.parked === true;
}

function fallbackFrom(database: UsableKey | UnusableKey): Fallback {
  if ('key' in database) return 'database_key_dead';
  return isParked(database) ? 'database_key_parked' : 'database_key_unreadable';
}

function none(reason: string, problem: string | null = null): Resolution {
  return { ...alone, key: null, source: null, reason, problem };
}
