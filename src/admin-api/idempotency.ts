/**
 * Repeated writes: a request that carries an Idempotency-Key is done once, and whoever repeats it gets the
 * first answer. The request is remembered as a keyed hash, since bodies hold API keys, and the answer is
 * encrypted, since it may hold a new token.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { KeywardError } from '../foundation/errors.ts';
import { holdsNoSecret } from '../keys/provider-rules.ts';
import type { AdminApiParts } from './admin-api-parts.ts';
import { actorKey } from './actor-key.ts';
import { openAnswer, sealAnswer } from './kept-answer.ts';
import { claimKey, keepAnswer, releaseKey, type Claim } from './idempotency-store.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while this request is the first of its key. */
    claim: Claim | null;
  }
}

/** For all routes that state `takes: ['Idempotency-Key']`. */
export function answerRepeats(app: FastifyInstance, parts: AdminApiParts): void {
  const { kysely } = parts.database;
  const { ring } = parts.changes;
  app.decorateRequest('claim', null);

  // After validation: what was refused there was not done, and needs no memory.
  app.addHook('preHandler', async (request, reply) => {
    const claim = claimOf(request, parts);
    if (claim === null) return undefined;
    const outcome = await claimKey(kysely, claim, parts.clock.now());
    if (outcome.kind === 'answered') {
      const answer = openAnswer(ring, outcome.answer);
      void reply.code(outcome.status).header('idempotency-replayed', 'true');
      if (answer === '') return reply.send();
      return reply
        .type('application/json; charset=utf-8')
        .serializer((text: string) => text)
        .send(answer);
    }
    if (outcome.kind === 'mismatch') {
      throw new KeywardError('idempotency_mismatch', { param: 'Idempotency-Key' });
    }
    if (outcome.kind === 'in_progress') {
      const { retryAfterSeconds } = outcome;
      throw new KeywardError('idempotency_in_progress', { param: 'Idempotency-Key', retryAfterSeconds });
    }
    request.claim = claim;
    return undefined;
  });

  // Before the answer leaves: who has seen it can rely on getting it again.
  app.addHook('onSend', async (request, reply, payload) => {
    const { claim } = request;
    if (claim === null) return payload;
    request.claim = null;
    const { statusCode } = reply;
    try {
      const answer = payload ?? '';
      if (statusCode < 500 && !passing.has(statusCode) && typeof answer === 'string') {
        await keepAnswer(kysely, claim, { status: statusCode, answer: sealAnswer(ring, answer) });
      } else {
        await releaseKey(kysely, claim);
      }
    } catch (error) {
      // The write is done or not, whatever becomes of its memory.
      parts.log.warn({ err: error }, 'the answer to a repeatable request could not be kept');
    }
    return payload;
  });
}

/** Answers that say nothing of the request itself: too often, or nobody waited. */
const passing: ReadonlySet<number> = new Set([429, 499]);

function claimOf(request: FastifyRequest, { changes }: AdminApiParts): Claim | null {
  const key = request.headers['idempotency-key'];
  const takes = request.routeOptions.config.takes ?? [];
  if (!takes.includes('Idempotency-Key') || typeof key !== 'string' || request.actor === null) return null;
  if (!holdsNoSecret(key)) {
    throw new KeywardError('header_invalid', {
      message: 'The Idempotency-Key looks like a secret, and it is stored as it is. Choose a random text.',
      param: 'Idempotency-Key',
    });
  }
  const { method, url, headers, body } = request;
  const said = JSON.stringify([method, url, headers['if-match'] ?? null, body ?? null]);
  return { actor: actorKey(request.actor), key, requestHash: changes.fingerprinter.digestOf(said) };
}
