/**
 * Where a provider's requests go: {SLUG}_BASE_URL, else base_url of the row, else the provider's own.
 * A key travels over TLS only, except to loopback and to hosts that the operator named.
 */
import { isIP } from 'node:net';

export interface Upstream {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Begins with a slash and ends without one, or is empty. */
  readonly basePath: string;
  /** origin + basePath. */
  readonly baseUrl: string;
  readonly from: 'environment' | 'database' | 'provider';
}

export interface AddressCandidates {
  readonly environment: string | undefined;
  readonly environmentName: string;
  readonly database: string | null;
  readonly provider: string | undefined;
  /** Hosts, in lower case, that may be called without TLS. */
  readonly allowHttp: readonly string[];
}

export function resolveUpstream(candidates: AddressCandidates): Upstream | { problem: string } {
  const { environment, environmentName, database, provider, allowHttp } = candidates;
  if (environment !== undefined) return check(environment, 'environment', environmentName, allowHttp);
  if (database !== null && database.trim() !== '') return check(database, 'database', 'base_url', allowHttp);
  if (provider !== undefined) return check(provider, 'provider', 'the base URL', allowHttp);
  return { problem: `it has no base URL; set base_url or ${environmentName}` };
}

function check(
  text: string,
  from: Upstream['from'],
  where: string,
  allowHttp: readonly string[],
): Upstream | { problem: string } {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return { problem: `${where} is not a URL` };
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { problem: `${where} must begin with https://` };
  if (url.username !== '' || url.password !== '')
    return { problem: `${where} must not hold a user or password` };
  if (url.search !== '' || url.hash !== '') return { problem: `${where} must not hold a query or fragment` };
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowHttp.includes(url.hostname)) {
    return {
      problem: `${where} is not https; name its host in UPSTREAM_ALLOW_HTTP to send keys to it without TLS`,
    };
  }
  const basePath = url.pathname.replace(/\/+$/, '');
  return { origin: url.origin, basePath, baseUrl: url.origin + basePath, from };
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIP(hostname) === 4 && hostname.startsWith('127.');
}
