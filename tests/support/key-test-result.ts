/** The result of a key test that never was, for tests of what is done with one. */
import type { KeyTestResult } from '../../src/keys/test-key.ts';
import { noFacts } from '../../src/providers/key-facts.ts';
import type { Verdict } from '../../src/providers/verdict.ts';

export function resultOf(verdict: Verdict, testedAt = new Date()): KeyTestResult {
  return {
    verdict,
    message: 'm',
    advice: 'a',
    code: null,
    unfit: false,
    httpStatus: 200,
    modelsAvailable: null,
    facts: noFacts,
    responseTimeMs: 7,
    testedAt,
  };
}
