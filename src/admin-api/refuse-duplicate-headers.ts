/**
 * Refuses a second header where one decides who asks, what the body is, or when a write may happen: a proxy
 * might have looked at the other one.
 */
import type { FastifyInstance } from 'fastify';
import { duplicateHeader } from '../foundation/duplicate-header.ts';
import { KeywardError } from '../foundation/errors.ts';
import { headerTitle } from './shown-name.ts';

const singular = new Set([
  'authorization',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'if-match',
  'x-csrf-token',
]);

/** Call before the request is looked at in any other way. */
export function refuseDuplicateHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    const twice = duplicateHeader(raw.rawHeaders, singular);
    if (twice === undefined) return;
    const name = headerTitle(twice);
    throw new KeywardError('duplicate_header', {
      message: `The header ${name} stands more than once. Send it once.`,
      param: name,
    });
  });
}
