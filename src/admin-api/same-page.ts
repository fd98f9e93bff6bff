/**
 * Tells requests of our own page from those that another page made the browser send: by what the browser
 * itself says of where they come from, and by a token that only our own page can read.
 */
import type { FastifyRequest } from 'fastify';
import { sameText } from '../auth/session-secret.ts';
import { KeywardError } from '../foundation/errors.ts';

const csrfHeader = 'x-csrf-token';

/**
 * For requests that a cookie alone lets in.
 * @throws KeywardError csrf_refused (403)
 */
export function requireSamePage(
  request: FastifyRequest,
  csrfToken: string,
  publicOrigin: string | undefined,
): void {
  const sent = request.headers[csrfHeader];
  if (typeof sent !== 'string' || !sameText(sent, csrfToken))
    throw new KeywardError('csrf_refused', { param: csrfHeader });
  if (isSameOrigin(request, publicOrigin) === true) return;
  throw new KeywardError('csrf_refused', {
    message:
      'This request does not say that it comes from the page of this server: its Origin is missing or another. A program signs in with a token in the header Authorization instead.',
    param: 'Origin',
  });
}

/**
 * For a sign-in, which has no cookie yet: another page must not sign a person in as somebody else. Programs
 * say nothing of an origin, and are let through.
 * @throws KeywardError csrf_refused (403)
 */
export function refuseForeignPage(request: FastifyRequest, publicOrigin: string | undefined): void {
  if (isSameOrigin(request, publicOrigin) === false)
    throw new KeywardError('csrf_refused', {
      message: 'Sign in from the page of this server.',
      param: 'Origin',
    });
}

/** Undefined where the request does not say. Browsers leave Sec-Fetch-Site out without TLS, but never Origin in a write. */
function isSameOrigin(
  { headers, protocol }: FastifyRequest,
  publicOrigin: string | undefined,
): boolean | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = headers;
  if (origin === undefined) return undefined;
  return origin === publicOrigin || origin === `${protocol}://${headers.host?.toLowerCase()}`;
}
