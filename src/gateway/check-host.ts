/**
 * Guards the open door against other people's web pages: a page whose name is made to point at this
 * machine (DNS rebinding) sends that name as Host, and names of the public internet are refused.
 */
import type { IncomingMessage } from 'node:http';
import { KeywardError } from '../foundation/errors.ts';
import { isPrivateHost } from '../foundation/network-address.ts';
import { isPrivateName } from '../foundation/private-names.ts';

/** @throws KeywardError host_not_allowed unless the Host header names a private address or a private name */
export function refusePublicHost({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (isPrivateName(host) || isPrivateHost(host)) return;
  throw new KeywardError('host_not_allowed');
}
