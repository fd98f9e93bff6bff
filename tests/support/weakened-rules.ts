/**
 * Weakens the rules that judge answers, one condition at a time, and asks the corpus whether it notices: a
 * condition of proof that nobody misses is one that a guess could hide behind.
 */
import type { AnswerRule } from '../../src/providers/answer-rule.ts';
import { rulesFor } from '../../src/providers/classify-answer.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { foremostAnswers, lastAnswers } from '../../src/providers/shared-answers.ts';
import { isProof } from '../../src/providers/verdict.ts';
import { corpusSlugs } from './corpus.ts';
import { failingCases } from './judge-corpus.ts';

interface Weakened {
  readonly what: string;
  readonly rule: AnswerRule;
}

/** Names a rule in a report. */
export function ruleName(owner: string, rule: AnswerRule | undefined): string {
  const { status, code, bodyPattern, fields, headers, message } = rule ?? { message: 'no rule' };
  return `${owner}: ${JSON.stringify({ status, code, bodyPattern: bodyPattern?.source, fields, headers: Object.keys(headers ?? {}) })} ${message}`;
}

/** Those that no case of the corpus misses, and how many were tried. */
export function rulesWithLooseProof(): { readonly unnoticed: readonly string[]; readonly dropped: number } {
  const own = corpusSlugs.flatMap((slug) =>
    providerEntry(slug).answers.flatMap((rule, at) =>
      weakenings(rule).map((weakened) => ({
        name: `without ${weakened.what}, ${ruleName(slug, rule)}`,
        noticed: isNoticed(slug, at + foremostAnswers.length, weakened.rule),
      })),
    ),
  );
  const shared = [...foremostAnswers, ...lastAnswers].flatMap((rule) =>
    weakenings(rule).map((weakened) => ({
      name: `without ${weakened.what}, ${ruleName('any', rule)}`,
      noticed: corpusSlugs.some((slug) =>
        isNoticed(slug, rulesFor(providerEntry(slug)).indexOf(rule), weakened.rule),
      ),
    })),
  );
  const all = [...own, ...shared];
  return { unnoticed: all.filter(({ noticed }) => !noticed).map(({ name }) => name), dropped: all.length };
}

function isNoticed(slug: string, at: number, weakened: AnswerRule): boolean {
  return failingCases(slug, rulesFor(providerEntry(slug)).with(at, weakened)).length > 0;
}

/** The rule without each of its conditions in turn; none where it does not name proof. */
function weakenings(rule: AnswerRule): readonly Weakened[] {
  if (!isProof(rule.verdict)) return [];
  const { status, code, bodyPattern, fields = [], headers = {} } = rule;
  return [
    ...(status === undefined ? [] : [{ what: 'its status', rule: without(rule, 'status') }]),
    ...(code === undefined ? [] : [{ what: 'its code', rule: without(rule, 'code') }]),
    ...(bodyPattern === undefined ? [] : [{ what: 'its pattern', rule: without(rule, 'bodyPattern') }]),
    ...fields.map(({ path }, at) => ({
      what: `its field "${path}"`,
      rule: { ...rule, fields: fields.toSpliced(at, 1) },
    })),
    ...Object.keys(headers).map((name) => ({
      what: `its header "${name}"`,
      rule: { ...rule, headers: Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name)) },
    })),
  ];
}

function without(rule: AnswerRule, name: 'status' | 'code' | 'bodyPattern'): AnswerRule {
  const { [name]: _dropped, ...rest } = rule;
  return rest;
}
