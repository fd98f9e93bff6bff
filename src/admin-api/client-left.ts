/** Tells a long act that nobody waits for its answer any more. */
import type { FastifyReply } from 'fastify';

/** Aborted when the connection closes before the answer is complete. */
export function whenClientLeaves({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort();
  });
  return left.signal;
}
