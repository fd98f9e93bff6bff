/** Signs what is posted to a receiver, so that it knows the sender, the message and its time: Standard Webhooks 1.0. */
import { createHmac } from 'node:crypto';
import type { Secret } from '../foundation/secret.ts';

/**
 * The headers: HMAC-SHA256 over id, seconds and body, joined by dots.
 * @param secret 24 to 64 bytes in base64, with `whsec_` before them or not
 */
export function signatureHeaders(
  secret: Secret,
  { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string },
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const seconds = String(Math.floor(at.getTime() / 1000));
  const key = Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
}
