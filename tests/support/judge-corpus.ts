/** Compares what the rules make of the corpus with what it says, with all rules or without some. */
import type { AnswerRule } from '../../src/providers/answer-rule.ts';
import { type Classification, classifyAnswer, rulesFor } from '../../src/providers/classify-answer.ts';
import type { ProviderAnswer } from '../../src/providers/read-answer.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { type AnswerCase, answerCases, type FaultCase, type Tried, wireOf } from './corpus.ts';

export function judged(slug: string, answer: ProviderAnswer): Classification {
  return classifyAnswer(providerEntry(slug), answer);
}

/** The answers of the corpus that these rules judge otherwise than it says, each in a sentence. */
export function failingCases(
  slug: string,
  rules: readonly AnswerRule[] = rulesFor(providerEntry(slug)),
): readonly string[] {
  return answerCases
    .filter((one) => one.slug === slug)
    .flatMap((one) => {
      const classified = classifyAnswer(providerEntry(slug), wireOf(one.expected), rules);
      return disagreement(one, { ...classified, code: classified.code ?? null }) ?? [];
    });
}

/** In which the result is not what the case expects; undefined where it is. */
export function disagreement(
  { title, shared, expected }: Tried<AnswerCase> | Tried<FaultCase>,
  got: Pick<Classification, 'verdict' | 'message' | 'advice'> & { readonly code: string | null },
): string | undefined {
  const { verdict, code = null, says = '' } = expected;
  if (got.verdict !== verdict) return `${title} is ${got.verdict}, not ${verdict}: ${got.message}`;
  // A case for any provider expects a code only where it names one: providers have codes of their own.
  const codeCounts = !shared || code !== null;
  if (codeCounts && got.code !== code) return `${title} has the code ${got.code}, not ${code}`;
  return `${got.message} ${got.advice}`.includes(says) ? undefined : `${title} does not say "${says}"`;
}
