/**
 * Where a provider's requests go: {SLUG}_BASE_URL, else base_url of the row, else the provider's own. A key
 * travels over TLS only, except to loopback and to hosts that the operator named; into a private network
 * only where that was allowed; to cloud metadata and link-local addresses never.
 */
import { checkAddress } from '../foundation/outbound-address.ts';
import { wholeBasePath } from '../providers/base-path.ts';
import type { NativeApi } from '../providers/provider-entry.ts';
import { redactSecrets } from '../providers/redact.ts';
import { readRequestHeaders } from './request-headers.ts';

export interface Upstream {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Begins with a slash and ends without one, or is empty. */
  readonly basePath: string;
  /** origin + basePath. */
  readonly baseUrl: string;
  readonly from: 'environment' | 'database' | 'provider';
  /** Whether the host may stand in, or resolve into, a private network. */
  readonly allowPrivateNetwork: boolean;
  /** More headers for every request to it, by name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface AddressCandidates {
  readonly environment: string | undefined;
  readonly environmentName: string;
  readonly database: string | null;
  readonly provider: string | undefined;
  /** The provider's API beside the OpenAI-compatible one. */
  readonly native?: NativeApi | undefined;
  /** Of the row; an address from the environment is the operator's own word and needs no permission. */
  readonly allowPrivateNetwork: boolean;
  /** The column request_headers as it stands. */
  readonly requestHeaders: unknown;
  /** Hosts, in lower case, that may be called without TLS. */
  readonly allowHttp: readonly string[];
}

export function resolveUpstream(candidates: AddressCandidates): Upstream | { problem: string } {
  const read = readRequestHeaders(candidates.requestHeaders);
  if ('problem' in read) return read;
  const named = nearest(candidates);
  if (named === undefined)
    return { problem: `it has no base URL; set base_url or ${candidates.environmentName}` };
  const allowPrivateNetwork = named.from === 'environment' || candidates.allowPrivateNetwork;
  const checked = checkAddress(named.text, named.where, {
    allowHttp: candidates.allowHttp,
    allowPrivateNetwork,
  });
  if ('problem' in checked) return checked;
  const { origin } = checked;
  const basePath = wholeBasePath(candidates.provider, candidates.native, checked.basePath);
  const { from } = named;
  return { origin, basePath, baseUrl: origin + basePath, from, allowPrivateNetwork, headers: read.headers };
}

function nearest({
  environment,
  environmentName,
  database,
  provider,
}: AddressCandidates): { text: string; from: Upstream['from']; where: string } | undefined {
  if (environment !== undefined) return { text: environment, from: 'environment', where: environmentName };
  if (database !== null && database.trim() !== '')
    return { text: database, from: 'database', where: 'base_url' };
  return provider === undefined ? undefined : { text: provider, from: 'provider', where: 'the base URL' };
}

/** As it may be shown: somebody may have written a password or a key into it past Keyward. */
export function shownUrl(text: string): string {
  return redactSecrets(text.replace(/\/\/[^/?#]*@/, '//[redacted]@'), []);
}

/** An upstream as programs and people are shown it. */
export function viewUpstream(upstream: Upstream | { readonly problem: string }): {
  readonly base_url: string | null;
  readonly from: Upstream['from'] | null;
  readonly problem: string | null;
} {
  if ('problem' in upstream) return { base_url: null, from: null, problem: upstream.problem };
  return { base_url: shownUrl(upstream.baseUrl), from: upstream.from, problem: null };
}

/**
 * The address without regard to {SLUG}_BASE_URL, as host and port in lower case: what a stored key is bound
 * to. The variable is the operator's own act on one process; a key that was stored from a shell without it
 * must go on serving on a server that has it.
 * @returns empty text where there is none
 */
export function ownHost(database: string | null, provider: string | undefined): string {
  const url = URL.parse(database?.trim() || (provider ?? ''));
  if (url === null) return '';
  return `${url.hostname.toLowerCase()}:${url.port || (url.protocol === 'http:' ? '80' : '443')}`;
}
