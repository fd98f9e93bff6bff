/** The text of docs/verdicts.md: the verdicts, and every rule that leads to one, from the tables that the program reads. */
import type { AnswerRule, FieldCondition } from '../src/providers/answer-rule.ts';
import { named } from '../src/providers/classify-answer.ts';
import type { FactPath, ProviderEntry } from '../src/providers/provider-entry.ts';
import { genericEntry } from '../src/providers/generic.ts';
import { knownProviders } from '../src/providers/registry.ts';
import { foremostAnswers, lastAnswers, unexplained } from '../src/providers/shared-answers.ts';
import { testUrl } from '../src/providers/test-request.ts';
import { type TransportFault, transportFaults } from '../src/providers/transport-faults.ts';
import { isProof, testStatusOf, type Verdict, verdictMeanings, verdicts } from '../src/providers/verdict.ts';

/** In the shared tables the provider has no name. */
const anyProvider = { displayName: 'the provider' };
const otherEndpoints = { ...genericEntry('an endpoint'), displayName: 'the endpoint' };
const otherEndpointsTitle = 'Any other OpenAI-compatible endpoint';

export function verdictsDocument(notice: string): string {
  return [
    notice,
    '# Verdicts',
    '',
    'What the test of a key can find out, and what every answer of a provider means. A test is one call that spends no tokens. Its verdict is one of nine, and only three of them are proof: nothing else counts for or against a key.',
    '',
    ...verdictTable(),
    '',
    'A stored key whose last test proved it dead (`api_key_test_status` is `invalid`) is set aside where the source is hybrid and the environment has another. Where it is the only key it goes on being sent, since its provider has the last word. No verdict deletes a key.',
    '',
    'A test that takes longer than 10 seconds is `unreachable`. One whose caller leaves is no test: nothing is recorded. Of an answer one megabyte is read. Redirects are not followed. What a provider says is scrubbed of keys and shortened before it is stored or shown; the messages below are ours.',
    '',
    'The rules stand in order, and the first that fits decides: [those that come first](#before-all-others), those of the provider, [those that come last](#after-all-others). Patterns do not distinguish capitals. The answers that they were made from are in [tests/corpus](../tests/corpus/README.md), and a test takes each rule away to see that one of them notices. What applications see when a key is refused is in [errors.md](errors.md).',
    '',
    '## Providers',
    '',
    '| Provider | Free test call | Tells besides |',
    '| --- | --- | --- |',
    ...knownProviders.map((entry) => providerRow(entry.displayName, entry)),
    providerRow(otherEndpointsTitle, otherEndpoints),
    '',
    '## Before all others',
    '',
    'At every provider.',
    '',
    ...ruleTable(foremostAnswers, anyProvider),
    ...knownProviders.flatMap((entry) => providerSection(entry.displayName, entry)),
    ...providerSection(otherEndpointsTitle, otherEndpoints),
    '',
    '## After all others',
    '',
    'At every provider, when no rule of its own fits.',
    '',
    ...ruleTable([...lastAnswers, unexplained], anyProvider),
    '',
    '## When no whole answer came',
    '',
    'Always `unreachable`. The code is reported with it; the first row whose errors fit decides.',
    '',
    '| Code | The provider could not be asked: | Errors | Advice |',
    '| --- | --- | --- | --- |',
    ...transportFaults.map(faultRow),
    '',
  ].join('\n');
}

function verdictTable(): string[] {
  return [
    '| Verdict | Means | Proof | `api_key_test_status` |',
    '| --- | --- | --- | --- |',
    ...verdicts.map(
      (verdict) =>
        `| \`${verdict}\` | ${verdictMeanings[verdict]} | ${proofOf(verdict)} | \`${testStatusOf(verdict)}\` |`,
    ),
  ];
}

function proofOf(verdict: Verdict): string {
  if (!isProof(verdict)) return 'no';
  return testStatusOf(verdict) === 'invalid' ? 'against the key' : 'for the key';
}

function providerRow(title: string, entry: ProviderEntry): string {
  return `| [${title}](#${anchorOf(title)}) | \`${testCallOf(entry)}\` | ${toldBy(entry)} |`;
}

function providerSection(title: string, entry: ProviderEntry): string[] {
  return ['', `## ${title}`, '', `\`${testCallOf(entry)}\``, '', ...ruleTable(entry.answers, entry)];
}

function testCallOf(entry: ProviderEntry): string {
  return `${entry.test.method} ${testUrl(entry, entry.baseUrl ?? '{base URL}')}`;
}

const factNames = {
  limitUsd: 'spending limit',
  limitReset: 'when the limit begins anew',
  remainingUsd: 'what is left',
  usageUsd: 'what was spent',
  expiresAt: 'expiry',
  name: 'name of the key',
  organisation: 'organisation',
  permissions: 'permissions',
} as const satisfies Record<keyof NonNullable<ProviderEntry['facts']>, string>;

function toldBy({ models, facts = {} }: ProviderEntry): string {
  const told = Object.entries(factNames).flatMap(([name, words]) => {
    const path = facts[name as keyof typeof factNames];
    return path === undefined ? [] : [`${words} (\`${placeOf(path)}\`)`];
  });
  const all = [...(models === undefined ? [] : ['number of models']), ...told];
  return all.length === 0 ? 'nothing' : all.join(', ');
}

function placeOf(path: FactPath): string {
  return typeof path === 'string' ? path : `${path.list}[${path.where}=${path.is}].${path.path}`;
}

type Judgement = Pick<AnswerRule, 'verdict' | 'message' | 'advice'> & Partial<AnswerRule>;

function ruleTable(rules: readonly Judgement[], provider: { readonly displayName: string }): string[] {
  return [
    '| Status | And | Verdict | Message | Advice |',
    '| --- | --- | --- | --- | --- |',
    ...rules.map((rule) => {
      const said = [rule.message, rule.advice].map((words) => spoken(words, provider));
      const verdict = `\`${rule.verdict}\`${rule.unfit === true ? ', must not be stored' : ''}`;
      return `| ${statusOf(rule)} | ${conditionsOf(rule)} | ${verdict} | ${said.join(' | ')} |`;
    }),
  ];
}

/** Of a provider without a name a sentence may begin with "The". */
function spoken(words: string, provider: { readonly displayName: string }): string {
  return named(words, provider).replace(/^the /, 'The ');
}

function statusOf({ status }: Judgement): string {
  if (status === undefined) return 'any';
  return [status].flat().join(', ');
}

function conditionsOf({
  from = 'api',
  code,
  bodyPattern,
  fields = [],
  headers = {},
  name,
}: Judgement): string {
  const conditions = [
    ...(from === 'page' ? ['a web page'] : []),
    ...(code === undefined ? [] : [`code ${code.map(literal).join(' or ')}`]),
    ...(bodyPattern === undefined ? [] : [`text like ${literal(bodyPattern.source)}`]),
    ...fields.map(fieldOf),
    ...Object.entries(headers).map(
      ([header, pattern]) => `header ${literal(header)} like ${literal(pattern.source)}`,
    ),
  ];
  const reported = name === undefined ? '' : `<br>reported as ${literal(name)}`;
  return conditions.join(', ') + reported;
}

function fieldOf(condition: FieldCondition): string {
  const subject = condition.path === '' ? 'the body' : literal(condition.path);
  if ('atMost' in condition) return `${subject} is at most ${condition.atMost}`;
  if (typeof condition.is === 'boolean') return `${subject} is ${condition.is}`;
  const article = /^[aeiou]/.test(condition.is) ? 'an' : 'a';
  return `${subject} is ${article} ${condition.is}`;
}

/** Code in a cell of a table. */
function literal(text: string): string {
  return `\`${text.replaceAll('|', String.raw`\|`)}\``;
}

function faultRow({ name, reason, error, advice }: TransportFault): string {
  const errors = error.source.replace(/^\^/, '').replace(/\$$/, '');
  return `| \`${name}\` | ${reason} | ${literal(errors)} | ${advice} |`;
}

/** As GitHub makes the name of a heading's anchor. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
