/**
 * Where a provider's requests go: {SLUG}_BASE_URL, else base_url of the row, else the provider's own. A key
 * travels over TLS only, except to loopback and to hosts that the operator named; into a private network
 * only where that was allowed; to cloud metadata and link-local addresses never.
 */
import { addressKind, isLoopbackName, type AddressKind } from '../foundation/network-address.ts';
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
  const { origin, basePath } = checked;
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

export interface AddressRule {
  readonly allowHttp: readonly string[];
  readonly allowPrivateNetwork: boolean;
}

/**
 * What stands in the text is judged here, and what a name resolves to when it is dialled (guarded-connect.ts).
 * @param where how to call the address in a sentence
 */
export function checkAddress(
  text: string,
  where: string,
  { allowHttp, allowPrivateNetwork }: AddressRule,
): { origin: string; basePath: string } | { problem: string } {
  const url = URL.parse(text.trim());
  if (url === null) return { problem: `${where} is not a URL` };
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { problem: `${where} must begin with https://` };
  if (url.username !== '' || url.password !== '')
    return { problem: `${where} must not hold a user or password` };
  if (url.search !== '' || url.hash !== '') return { problem: `${where} must not hold a query or fragment` };
  if (url.hostname.endsWith('.')) return { problem: `${where} must not end its host with a dot` };
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowHttp.includes(url.hostname)) {
    return {
      problem: `${where} is not https; name its host in UPSTREAM_ALLOW_HTTP to send keys to it without TLS`,
    };
  }
  const refusal = hostRefusal(url.hostname, allowPrivateNetwork);
  if (refusal !== undefined) return { problem: `${where} leads to ${refusal}` };
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') };
}

function isLoopback(hostname: string): boolean {
  return isLoopbackName(hostname) || addressKind(hostname) === 'loopback';
}

/** Names of metadata services. Most resolve to link-local addresses, which are refused anyway. */
const metadataNames: ReadonlySet<string> = new Set([
  'instance-data',
  'instance-data.ec2.internal',
  'metadata',
  'metadata.azure.internal',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.tencentyun.com',
]);

function hostRefusal(hostname: string, allowPrivateNetwork: boolean): string | undefined {
  if (metadataNames.has(hostname)) return refusals.metadata;
  return addressRefusal(hostname, allowPrivateNetwork);
}

const refusals = {
  metadata: 'the metadata service of a cloud, where no key is ever sent',
  link_local: 'a link-local address, where no key is ever sent',
  unusable: 'an address that no single host has',
  private: 'a private network; if that is meant, set allow_private_network for this provider',
} as const satisfies Partial<Record<AddressKind, string>>;

/**
 * Why nothing is sent to this address, as the end of "it leads to"; undefined where something may be sent,
 * and for what is no address.
 */
export function addressRefusal(address: string, allowPrivateNetwork: boolean): string | undefined {
  const kind = addressKind(address);
  if (kind === undefined || kind === 'public' || kind === 'loopback') return undefined;
  return kind === 'private' && allowPrivateNetwork ? undefined : refusals[kind];
}
