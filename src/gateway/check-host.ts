/**
 * Guards the open door against other people's web pages: a page whose name is made to point at this
 * machine (DNS rebinding) sends that name as Host, and names of the public internet are refused.
 */
import type { IncomingMessage } from 'node:http';
import { isPrivateHost } from '../foundation/config.ts';
import { KeywardError } from '../foundation/errors.ts';

/** Names that no registrar sells: RFC 6761, RFC 6762, RFC 8375, and `internal` as reserved by ICANN. */
const privateEndings = ['.localhost', '.local', '.home.arpa', '.internal', '.lan'];

/** @throws KeywardError host_not_allowed unless the Host header names a private address or a private name */
export function refusePublicHost({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const isPrivateName = !host.includes('.') || privateEndings.some((ending) => host.endsWith(ending));
  if (isPrivateName || isPrivateHost(host)) return;
  throw new KeywardError('host_not_allowed');
}
