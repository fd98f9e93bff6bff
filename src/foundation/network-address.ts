/**
 * Which part of the internet an address belongs to: the one list of ranges by which Keyward decides where
 * keys may travel and who counts as near. An IPv6 form that carries an IPv4 address is judged as that one.
 */
import { BlockList, isIP } from 'node:net';

/**
 * `metadata`: a cloud's service that gives the machine's own credentials to whoever asks from there.
 * `unusable`: no address of one host: unspecified, multicast, broadcast, reserved.
 */
export type AddressKind = 'public' | 'loopback' | 'private' | 'link_local' | 'metadata' | 'unusable';

/** In order: the first that holds the address decides. */
const ranges: readonly (readonly [kind: AddressKind, ...subnets: string[]])[] = [
  [
    'metadata',
    '169.254.169.254/32', // AWS, Google, Azure, Oracle and most others
    '169.254.170.0/24', // credentials of containers on AWS
    '100.100.100.200/32', // Alibaba
    '168.63.129.16/32', // Azure's wire server
    '192.0.0.192/32', // Oracle Cloud Classic
    'fd00:ec2::/32', // AWS
    'fd20:ce::254/128', // Google
    'fd00:c1::a9fe:a9fe/128', // Oracle
  ],
  ['loopback', '127.0.0.0/8', '::1/128'], // RFC 1122, RFC 4291
  ['link_local', '169.254.0.0/16', 'fe80::/10'], // RFC 3927, RFC 4291
  [
    'private',
    '10.0.0.0/8', // RFC 1918
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10', // shared by the customers of a provider: RFC 6598
    '198.18.0.0/15', // for measurements: RFC 2544
    'fc00::/7', // RFC 4193
  ],
  [
    'unusable',
    '0.0.0.0/8', // "this network": RFC 6890
    '192.0.0.0/24', // protocol assignments: RFC 6890
    '224.0.0.0/4', // multicast: RFC 5771
    '240.0.0.0/4', // reserved, and broadcast: RFC 1112, RFC 919
    '::/128', // unspecified: RFC 4291
    'ff00::/8', // multicast: RFC 4291
    'fec0::/10', // site-local, abolished by RFC 3879
    '64:ff9b:1::/48', // translation within one network, in a form that only it knows: RFC 8215
    '2001::/32', // Teredo, which carries an IPv4 address in disguise: RFC 4380
  ],
];

const lists: readonly (readonly [AddressKind, BlockList])[] = ranges.map(([kind, ...subnets]) => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', bits = ''] = subnet.split('/');
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  return [kind, list];
});

/**
 * The kind of an IPv4 or IPv6 address, bare or in brackets, with or without a zone.
 * @returns undefined for a text that is no address
 */
export function addressKind(text: string): AddressKind | undefined {
  const address = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(address);
  if (family === 0) return undefined;
  const carried = family === 6 ? carriedIpv4(address) : undefined;
  if (carried !== undefined) return addressKind(carried);
  const held = lists.find(([, list]) => list.check(address, family === 6 ? 'ipv6' : 'ipv4'));
  return held?.[0] ?? 'public';
}

/** Whether a host is loopback, link-local or in a private network, by its address or as `localhost`. */
export function isPrivateHost(host: string): boolean {
  const kind = addressKind(host);
  return host === 'localhost' || kind === 'loopback' || kind === 'private' || kind === 'link_local';
}

/** `localhost` and what lies below it: loopback by name (RFC 6761). */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Where an IPv4 address stands in forms that carry one, as the number of groups of 16 bits before it. */
const carriers: readonly { readonly prefix: readonly number[]; readonly at: number }[] = [
  { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 }, // mapped: RFC 4291
  { prefix: [0, 0, 0, 0, 0xffff, 0], at: 6 }, // translated: RFC 2765
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 }, // compatible, deprecated by RFC 4291
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 }, // NAT64: RFC 6052
  { prefix: [0x2002], at: 1 }, // 6to4: RFC 3056
];

function carriedIpv4(address: string): string | undefined {
  const groups = groupsOf(address);
  const carrier = carriers.find(({ prefix }) => prefix.every((group, index) => group === groups[index]));
  if (carrier === undefined) return undefined;
  const [high = 0, low = 0] = groups.slice(carrier.at);
  // `::` and `::1` have the form of compatible addresses and are none.
  if (carrier.prefix.every((group) => group === 0) && high === 0 && low <= 1) return undefined;
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight groups of an IPv6 address; URL writes it without dots and zeros before it is cut. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = numbersOf(head);
  const after = numbersOf(tail ?? '');
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function numbersOf(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16));
}
