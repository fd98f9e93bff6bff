/**
 * Values as they stand in an address or a body, each with the words for who got it wrong: numbers and truth
 * as text, names, sentences. Where a schema's text is read as another type, the document shows that type.
 */
import { z } from 'zod';
import { plainText } from '../keys/provider-rules.ts';

/** `50`: digits only, read as a number. */
export function wholeNumberText(least: number, most: number) {
  const words = `must be a whole number from ${least} to ${most}`;
  return z
    .string('must stand once')
    .regex(/^\d{1,9}$/, words)
    .transform(Number)
    .refine((value) => value >= least && value <= most, words)
    .meta({ type: 'integer', minimum: least, maximum: most, pattern: undefined });
}

/** The number of a row, in the path. @param what it is the number of, as `a token` */
export function rowParameter(what: string) {
  return z.object({
    id: z
      .string()
      .regex(/^\d{1,9}$/, `must be the number of ${what}`)
      .transform(Number),
  });
}

/** `true` or `false`, read as a boolean. */
export function truthText() {
  return z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .meta({ type: 'boolean', enum: undefined });
}

/** Why somebody does something, for the audit trail. Blanks say nothing, so they are none. */
export const reason = plainText(500)
  .trim()
  .optional()
  .describe('Why, in your words; it goes into the audit trail.');

/** The slug of a provider that may exist. */
export const slugParameter = z.object({
  slug: plainText(100)
    .min(1, 'must not be empty')
    .describe('Short name of the provider, for example `openrouter`.')
    .meta({ examples: ['openrouter'] }),
});

/** When a key ends; whether that is to come its act looks at. */
export const keyEnd = z.iso.datetime('must be a time in UTC like 2027-01-31T12:00:00Z');
