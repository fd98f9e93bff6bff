/** What the routes of rotations share: which rotation is meant, and what every step answers with. */
import { z } from 'zod';
import { waitParameter, writtenFields } from './applied.ts';
import { slugParameter } from './query-values.ts';
import { rotationView } from './rotation-view.ts';

export const rotations = '/api/v1/admin/providers/:slug/rotations';

export const rotationParameters = slugParameter.extend({
  id: z
    .string()
    .regex(/^(?:\d{1,18}|open)$/, 'must be the id of a rotation, or: open')
    .describe('The id of the rotation; `open` stands for the one that is open.'),
});

export const percent = z
  .number()
  .positive('must be above 0')
  .max(100)
  .multipleOf(0.01)
  .optional()
  .describe('Which share of the calls the new key serves while it is tried, in percent; 5 where absent.');

export const moved = z.object({ rotation: rotationView, ...writtenFields });
export const waiting = z.strictObject({ wait: waitParameter });
export const takes = ['If-Match', 'Idempotency-Key'] as const;

/** Undefined for the one that is open. */
export function rotationIdOf({ id }: z.output<typeof rotationParameters>): string | undefined {
  return id === 'open' ? undefined : id;
}
