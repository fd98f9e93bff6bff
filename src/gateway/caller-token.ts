/**
 * Where a caller's token is: in the header Authorization, or where the SDK of the API puts its provider's key. The
 * address is no such place.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Wire } from '../providers/provider-entry.ts';

/** Headers that carry a token: none of them may stand twice. */
export const tokenHeaders: readonly string[] = ['authorization', 'x-api-key', 'x-goog-api-key'];

/** The value of an Authorization header that presents the caller's token, as it came or as it would have been. */
export function presentedToken(headers: IncomingHttpHeaders, wire: Wire): string | undefined {
  const asKey = headers[wire === 'gemini' ? 'x-goog-api-key' : 'x-api-key'];
  const asBearer = typeof asKey === 'string' && asKey.trim() !== '' ? `Bearer ${asKey.trim()}` : undefined;
  // OpenAI's SDK sends no such header, but the list of models is at one address for Anthropic's too.
  return wire === 'compatible' ? (headers.authorization ?? asBearer) : (asBearer ?? headers.authorization);
}
