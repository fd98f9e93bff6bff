/** How a test of a key looks to an administrator: the verdict, and what the provider told for free. */
import { z } from 'zod';
import type { KeyTestResult } from '../keys/test-key.ts';
import { keyFactsJson } from '../providers/key-facts.ts';
import { verdicts } from '../providers/verdict.ts';

export const verdict = z
  .enum(verdicts)
  .describe('What the answer says of the key. Only valid, invalid and compromised are proof.');

const amount = z.number().nullable();

export const keyTestFields = {
  is_valid: z
    .boolean()
    .describe('True for the verdict valid only. False does not mean that the key is dead: see `verdict`.'),
  response_time_ms: z.int(),
  tested_at: z.iso.datetime(),
  verdict,
  message: z.string().describe('What is known now, in a sentence or two.'),
  advice: z.string().describe('What to do next.'),
  code: z.string().nullable().describe("The provider's own code, or the name of the rule that decided."),
  http_status: z.int().nullable().describe('Null where no answer came.'),
  models_available: z
    .int()
    .nullable()
    .describe('How many models the key may use, where the provider lists them.'),
  limit_usd: amount.describe('How much the key may spend; null also where it has no limit.'),
  limit_reset: z.string().nullable().describe('After what the limit begins anew.'),
  remaining_usd: amount,
  usage_usd: amount,
  expires_at: z.iso.datetime().nullable(),
  key_name: z
    .string()
    .nullable()
    .describe('What the key is called at the provider; without a name of its own, how it begins and ends.'),
  organisation: z.string().nullable(),
  permissions: z.array(z.string()).nullable().describe('What it may call, in the words of the provider.'),
};

const keyTestView = z.object(keyTestFields);

export function viewKeyTest(result: KeyTestResult): z.output<typeof keyTestView> {
  const { permissions, ...facts } = keyFactsJson(result.facts);
  return {
    is_valid: result.verdict === 'valid',
    response_time_ms: result.responseTimeMs,
    tested_at: result.testedAt.toISOString(),
    verdict: result.verdict,
    message: result.message,
    advice: result.advice,
    code: result.code,
    http_status: result.httpStatus,
    models_available: result.modelsAvailable,
    ...facts,
    permissions: permissions === null ? null : [...permissions],
  };
}
