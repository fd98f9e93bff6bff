/** Every address belongs to one kind, whatever form it is written in. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressKind,
  isLoopbackName,
  isPrivateHost,
  type AddressKind,
} from '../../src/foundation/network-address.ts';

const kinds: Readonly<Record<AddressKind, readonly string[]>> = {
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
  ],
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
  link_local: ['169.254.0.1', '169.254.169.253', '169.254.255.255', 'fe80::1', 'febf::1', 'fe80::1%eth0'],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.0',
    '100.127.255.255',
    '198.18.0.1',
    'fc00::1',
    'fdff::1',
  ],
  unusable: [
    '0.0.0.0',
    '0.1.2.3',
    '192.0.0.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    'ff02::1',
    'fec0::1',
    '64:ff9b:1::a9fe:a9fe',
    '2001::1',
  ],
  public: [
    '8.8.8.8',
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    'fe00::1',
    'fbff::1',
  ],
};

const cases = Object.entries(kinds).flatMap(([kind, addresses]) =>
  addresses.map((address) => [address, kind] as const),
);
const ipv4Cases = cases.filter(([address]) => !address.includes(':'));

/** Two groups of 16 bits, as IPv6 writes an IPv4 address. */
function groupsOf(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

describe('the kind of an address', () => {
  it.each(cases)('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
    expect(addressKind(`[${address.toUpperCase()}]`)).toBe(kind);
  });

  it.each(ipv4Cases)('%s is %s too when IPv6 carries it', (address, kind) => {
    const groups = groupsOf(address);
    const forms = [
      `::ffff:${address}`,
      `::ffff:${groups}`,
      `0:0:0:0:0:ffff:${address}`,
      `::ffff:0:${groups}`,
      `64:ff9b::${address}`,
      `64:ff9b::${groups}`,
      `2002:${groups}::1`,
      `2002:${groups}:1:2:3:4:5`,
    ];
    expect(forms.map((form) => addressKind(form))).toEqual(forms.map(() => kind));
  });

  it('of a deprecated compatible form is that of what it carries', () => {
    expect(addressKind('::10.0.0.1')).toBe('private');
    expect(addressKind('::a9fe:a9fe')).toBe('metadata');
    expect(addressKind('::8.8.8.8')).toBe('public');
  });

  it.each([
    '',
    'localhost',
    'host.example',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '10.0.0.1.',
    '::ffff:1.2.3',
  ])('does not exist for %j, which is no address', (text) => {
    expect(addressKind(text)).toBeUndefined();
  });

  it('is the same for every IPv4 address and its mapped form', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKind(`::ffff:${address}`)).toBe(addressKind(address));
      }),
    );
  });

  it('exists for every IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(Object.keys(kinds)).toContain(addressKind(address));
      }),
    );
  });
});

describe('a private host', () => {
  it.each([
    'localhost',
    '127.0.0.1',
    '::1',
    '[::1]',
    '10.0.0.1',
    'fd12::1',
    '169.254.1.1',
    '::ffff:10.0.0.1',
  ])('is %s', (host) => {
    expect(isPrivateHost(host)).toBe(true);
  });

  it.each(['8.8.8.8', '0.0.0.0', '::', 'host.example', 'localhost.example', '[2001:db8::1]'])(
    'is not %s',
    (host) => {
      expect(isPrivateHost(host)).toBe(false);
    },
  );
});

it('localhost and what lies below it are loopback by name, and nothing that only looks like it', () => {
  expect(['localhost', 'a.localhost', 'a.b.localhost'].every(isLoopbackName)).toBe(true);
  expect(['localhost.example', 'mylocalhost', '127.0.0.1', ''].some(isLoopbackName)).toBe(false);
});
