/**
 * Where anything that holds a secret may be sent: over TLS, except to loopback and to hosts that the operator
 * named; into a private network only where that was allowed; to cloud metadata and link-local addresses never.
 */
import { addressKind, isLoopbackName, type AddressKind } from './network-address.ts';

export interface AddressRule {
  /** Hosts, in lower case, that may be called without TLS. */
  readonly allowHttp: readonly string[];
  readonly allowPrivateNetwork: boolean;
  /** Some receivers carry their secret in the query; not allowed where absent. */
  readonly allowQuery?: boolean;
}

/**
 * What stands in the text is judged here, and what a name resolves to when it is dialled (guarded-connect.ts).
 * @param where how to call the address in a sentence
 */
export function checkAddress(
  text: string,
  where: string,
  { allowHttp, allowPrivateNetwork, allowQuery = false }: AddressRule,
): { origin: string; basePath: string } | { problem: string } {
  const url = URL.parse(text.trim());
  if (url === null) return { problem: `${where} is not a URL` };
  // To a URL it is a slash, so that what a person reads as the host may be another one.
  if (text.includes('\\')) return { problem: `${where} must not hold a backslash` };
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { problem: `${where} must begin with https://` };
  if (url.username !== '' || url.password !== '')
    return { problem: `${where} must not hold a user or password` };
  if (url.hash !== '' || (url.search !== '' && !allowQuery))
    return { problem: `${where} must not hold a ${allowQuery ? '' : 'query or '}fragment` };
  const problem = hostProblem(url.hostname, where, allowPrivateNetwork);
  if (problem !== undefined) return { problem };
  if (url.protocol === 'http:' && !mayGoWithoutTls(url.hostname, allowHttp)) {
    return {
      problem: `${where} is not https; name its host in UPSTREAM_ALLOW_HTTP to send to it without TLS`,
    };
  }
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') };
}

/** Why nothing is sent to this host, as a sentence; undefined where its name or address does not forbid it. */
export function hostProblem(
  hostname: string,
  where: string,
  allowPrivateNetwork: boolean,
): string | undefined {
  if (hostname.endsWith('.')) return `${where} must not end its host with a dot`;
  const refusal = metadataNames.has(hostname)
    ? refusals.metadata
    : addressRefusal(hostname, allowPrivateNetwork);
  return refusal === undefined ? undefined : `${where} leads to ${refusal}`;
}

/** @param hostname in lower case */
export function mayGoWithoutTls(hostname: string, allowHttp: readonly string[]): boolean {
  return isLoopbackName(hostname) || addressKind(hostname) === 'loopback' || allowHttp.includes(hostname);
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

const refusals = {
  metadata: 'the metadata service of a cloud, where nothing is ever sent',
  link_local: 'a link-local address, where nothing is ever sent',
  unusable: 'an address that no single host has',
  private: 'a private network; if that is meant, set allow_private_network',
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
