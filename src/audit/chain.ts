/**
 * How events hang together: each hash covers the event to the letter and the hash before it, under the
 * audit key. Changing, removing, adding or moving one breaks the chain at that place.
 */
import { createHmac, type KeyObject } from 'node:crypto';

/** What the first event has in the place of a hash before it. */
export const chainStart = '0'.repeat(64);

/** HMAC-SHA256 (RFC 2104) in hex over the previous hash, a line feed and the event's text. */
export function chainHash(key: KeyObject, previousHash: string, event: string): string {
  return createHmac('sha256', key).update(previousHash).update('\n').update(event).digest('hex');
}
