/**
 * Turns an answer of a provider into a verdict on the key, by the rules of its entry amid the shared ones.
 * The words of the verdict are ours: nothing that the provider sent is repeated but a harmless code, since
 * providers have echoed whole keys.
 */
import type { AnswerRule, FieldCondition } from './answer-rule.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { type ProviderAnswer, type ReadAnswer, readAnswer, valueAt } from './read-answer.ts';
import { foremostAnswers, lastAnswers, unexplained } from './shared-answers.ts';
import type { Verdict } from './verdict.ts';

export interface Classification {
  readonly verdict: Verdict;
  /** What is known now, in one or two sentences. */
  readonly message: string;
  /** What to do next. */
  readonly advice: string;
  /** The provider's own code, or the name of the rule that decided. */
  readonly code?: string;
  /** The key must not be stored for chats at all: it is an administrator's. */
  readonly unfit?: true;
}

/** All rules that judge an answer of the provider, in the order in which they are tried. */
export function rulesFor(entry: ProviderEntry): readonly AnswerRule[] {
  return [...foremostAnswers, ...entry.answers, ...lastAnswers];
}

/**
 * Never throws, whatever the answer: text, page, truncated or huge.
 *
 * @param rules those of the entry, unless somebody wants to know what one of them is for
 */
export function classifyAnswer(
  entry: ProviderEntry,
  answer: ProviderAnswer,
  rules: readonly AnswerRule[] = rulesFor(entry),
): Classification {
  const read = readAnswer(answer);
  const rule = rules.find((rule) => fits(rule, read));
  const { verdict, message, advice } = rule ?? unexplained;
  const code = codeOf(rule, read);
  return {
    verdict,
    message: named(message, entry),
    advice: named(advice, entry),
    ...(code === undefined ? {} : { code }),
    ...(rule?.unfit === true ? { unfit: true } : {}),
  };
}

/** Puts the name of the provider into the words of a table. */
export function named(words: string, { displayName }: Pick<ProviderEntry, 'displayName'>): string {
  return words.replaceAll('{provider}', () => displayName);
}

function fits(rule: AnswerRule, answer: ReadAnswer): boolean {
  const from = rule.from ?? 'api';
  return (
    (from === 'anyone' || answer.isPage === (from === 'page')) &&
    statusFits(rule.status, answer.status) &&
    (rule.code === undefined || rule.code.some((code) => answer.codes.includes(code))) &&
    (rule.bodyPattern === undefined || rule.bodyPattern.test(answer.text)) &&
    (rule.fields === undefined || rule.fields.every((field) => fieldFits(field, answer.json))) &&
    Object.entries(rule.headers ?? {}).every(([name, pattern]) => pattern.test(answer.header(name) ?? ''))
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
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'object or array':
      return typeof value === 'object' && value !== null;
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
