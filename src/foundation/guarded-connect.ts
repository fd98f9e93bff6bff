/**
 * Connections to where secrets are sent. A name is resolved once for each connection, and only addresses that have passed
 * the rule are dialled: a name that changes its address between the check and the call (DNS rebinding) leads
 * nowhere. Connections that are kept alive stay where they are and are not checked again.
 */
import dns, { type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { addressKind, isLoopbackName } from './network-address.ts';
import { addressRefusal, type AddressRule } from './outbound-address.ts';

/** The name resolves to nothing that may be dialled. */
export class AddressRefusedError extends Error {
  constructor(hostname: string, { address }: LookupAddress, refusal: string) {
    super(`${hostname} resolves to ${address}, which leads to ${refusal}`);
    this.name = 'AddressRefusedError';
  }
}

/** For the option `connect` of an undici pool or agent. An address in the URL itself was judged with the URL. */
export function guardedConnect(
  { allowPrivateNetwork }: Pick<AddressRule, 'allowPrivateNetwork'>,
  timeoutMs: number,
): { timeout: number; lookup: LookupFunction } {
  return { timeout: timeoutMs, lookup: guardedLookup(allowPrivateNetwork) };
}

/**
 * Drops the addresses that may not be dialled; with none left, the connection fails with AddressRefusedError.
 * One bad address among good ones costs nothing but itself: the socket dials what it is given here and does
 * not resolve again, so whoever controls the name gains nothing by mixing.
 */
export function guardedLookup(allowPrivateNetwork: boolean): LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const refusalOf = ({ address }: LookupAddress): string | undefined =>
        isLoopbackName(hostname) && addressKind(address) !== 'loopback'
          ? 'another machine than this one'
          : addressRefusal(address, allowPrivateNetwork);
      const [first] = addresses;
      const good = addresses.filter((one) => refusalOf(one) === undefined);
      const [best] = good;
      if (first !== undefined && best === undefined)
        return callback(new AddressRefusedError(hostname, first, refusalOf(first) ?? ''), []);
      if (options.all === true) return callback(null, good);
      callback(null, best?.address ?? '', best?.family ?? 0);
    });
  };
}
