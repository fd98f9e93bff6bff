/** GET /api/v1/admin/events: what has changed, as server-sent events (HTML standard, section 9.2). */
import { PassThrough } from 'node:stream';
import { z } from 'zod';
import type { AdminApiParts } from '../admin-api-parts.ts';
import { ChangeFeed, topics } from '../change-feed.ts';
import type { TypedApp } from '../typed-app.ts';

/** Often enough that no proxy takes the stream for dead. */
const signOfLifeMs = 15_000;
/** Whoever listens longer asks anew, and has to be let in anew. */
const longestMs = 300_000;

export function eventRoutes(app: TypedApp, parts: AdminApiParts): void {
  const feed = new ChangeFeed(parts);
  app.get(
    '/api/v1/admin/events',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'followChanges',
        summary: 'What changes from now on, as server-sent events',
        description: `The event \`changed\` names the topics of which something has changed, the first one all of them: ${topics.map((topic) => `\`${topic}\``).join(', ')}. The stream ends after ${longestMs / 60_000} minutes; whoever goes on asks again.`,
        tags: ['system'],
        querystring: z.strictObject({}),
        response: {
          200: {
            description: 'The stream.',
            content: { 'text/event-stream': { schema: z.string() } },
          },
        },
      },
    },
    async (_request, reply) => {
      const stream = new PassThrough();
      const stopListening = feed.listen({
        // Who does not read is cut: it asks again, and then reads everything.
        onChanged: (changed) => {
          if (!stream.write(`event: changed\ndata: ${JSON.stringify({ topics: changed })}\n\n`)) end();
        },
        onEnd: () => end(),
      });
      const signOfLife = setInterval(() => stream.write(':\n\n'), signOfLifeMs);
      const longest = setTimeout(() => end(), longestMs);
      // Nothing is written afterwards: who does not read may keep the connection open long after the end.
      const end = (): void => {
        stopListening();
        clearInterval(signOfLife);
        clearTimeout(longest);
        stream.end();
      };
      reply.raw.once('close', end);
      stream.write('retry: 1000\n\n');
      return reply
        .header('x-accel-buffering', 'no')
        .type('text/event-stream; charset=utf-8')
        .send(stream as never);
    },
  );
}
