/**
 * Turns an answer of a provider into a verdict on the key, by the rules of its entry and then the shared
 * ones. The words of the verdict are ours: nothing that the provider sent is repeated, since providers
 * have echoed whole keys.
 */
import type { AnswerRule, FieldCondition } from './answer-rule.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { type ReadAnswer, readAnswer, valueAt } from './read-answer.ts';
import { sharedAnswers, unexplained } from './shared-answers.ts';
import type { Verdict } from './verdict.ts';

export interface Classification {
  readonly verdict: Verdict;
  /** What is known now, in one or two sentences. */
  readonly message: string;
  /** What to do next. */
  readonly advice: string;
  /** The provider's own code, or the name of the rule that decided. */
  readonly code?: string;
}

/**
 * Never throws, whatever the body: text, page, truncated or huge.
 *
 * @param answer the HTTP status and the decoded body, which may be cut off
 */
export function classifyAnswer(
  entry: ProviderEntry,
  answer: { readonly status: number; readonly body: string },
): Classification {
  const read = readAnswer(answer.status, answer.body);
  const rule =
    entry.answers.find((rule) => fits(rule, read)) ?? sharedAnswers.find((rule) => fits(rule, read));
  const { verdict, message, advice } = rule ?? unexplained;
  const code = codeOf(rule, read);
  return {
    verdict,
    message: message.replaceAll('{provider}', () => entry.displayName),
    advice: advice.replaceAll('{provider}', () => entry.displayName),
    ...(code === undefined ? {} : { code }),
  };
}

function fits(rule: AnswerRule, answer: ReadAnswer): boolean {
  const from = rule.from ?? 'api';
  return (
    (from === 'anyone' || answer.isPage === (from === 'page')) &&
    statusFits(rule.status, answer.status) &&
    (rule.code === undefined || rule.code.some((code) => answer.codes.includes(code))) &&
    (rule.bodyPattern === undefined || rule.bodyPattern.test(answer.text)) &&
    (rule.fields === undefined || rule.fields.every((field) => fieldFits(field, answer.json)))
  );
}

function statusFits(wanted: AnswerRule['status'], status: number): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === 'number') return status === wanted;
  if (typeof wanted === 'string') return `${Math.trunc(status / 100)}xx` === wanted;
  return wanted.includes(status);
}

function fieldFits(condition: FieldCondition, json: unknown): boolean {
  const value = valueAt(json, condition.path);
  if ('atMost' in condition) return typeof value === 'number' && value <= condition.atMost;
  switch (condition.is) {
    case 'array':
      return Array.isArray(value);
    case 'empty array':
      return Array.isArray(value) && value.length === 0;
    case 'string':
    case 'number':
      return typeof value === condition.is;
    default:
      return value === condition.is;
  }
}

/** A code of all lower or all upper case words cannot be an echoed key. */
const harmlessCode = /^(?:[a-z]{2,}(?:_[a-z]+)*|[A-Z]{2,}(?:_[A-Z]+)*)$/;

function codeOf(rule: AnswerRule | undefined, answer: ReadAnswer): string | undefined {
  const named = answer.codes.find((code) => rule?.code?.includes(code)) ?? rule?.name;
  return named ?? answer.codes.find((code) => code.length <= 64 && harmlessCode.test(code));
}
