/**
 * Guards the admin side against other people's web pages: a page whose name is made to point at this machine
 * (DNS rebinding) sends that name as Host. Addresses are let through, since no name leads a browser to send
 * one; names must be known.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Config } from '../foundation/config.ts';
import { duplicateHeader } from '../foundation/duplicate-header.ts';
import { KeywardError } from '../foundation/errors.ts';
import { isPrivateName } from '../foundation/private-names.ts';

/** Throws the KeywardError that refuses the address and the Host of a request. */
export type CheckHost = (request: IncomingMessage) => void;

const onlyHost = new Set(['host']);

const hostHeader =
  /^(?:\[(?<v6>[\da-f]*:[\da-f:.]*)\]|(?<name>[a-z\d_-]+(?:\.[a-z\d_-]+)*\.?))(?::\d{1,5})?$/;

/** With ALLOWED_HOSTS unset every private name will do, so that a server in a container is reached as it comes. */
export function hostCheck({ host: bound, publicOrigin, allowedHosts }: Config): CheckHost {
  const known = new Set([
    bound.toLowerCase(),
    ...allowedHosts,
    ...(publicOrigin === undefined ? [] : [new URL(publicOrigin).hostname]),
  ]);
  const isAllowed = (name: string): boolean =>
    isIP(name) !== 0 ||
    known.has(name) ||
    /^(?:.+\.)?localhost$/.test(name) ||
    (allowedHosts.length === 0 && isPrivateName(name));
  return ({ url = '', headers, rawHeaders }) => {
    // An absolute address would stand above the header (RFC 9112, 3.2.2), and only proxies send one.
    if (!url.startsWith('/')) throw new KeywardError('malformed_request');
    if (duplicateHeader(rawHeaders, onlyHost) !== undefined)
      throw new KeywardError('duplicate_header', { param: 'Host' });
    const { v6, name } = hostHeader.exec((headers.host ?? '').toLowerCase())?.groups ?? {};
    if (v6 === undefined ? name !== undefined && isAllowed(name.replace(/\.$/, '')) : isIP(v6) === 6) return;
    throw new KeywardError('host_not_allowed', {
      message:
        'This server does not answer to the name in the header Host. Its operator can add it to ALLOWED_HOSTS.',
      param: 'Host',
    });
  };
}
