/** docs/verdicts.md and the tables agree: no verdict, no rule and no fault is left out, and none stands there besides. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sectionOf } from '../../scripts/markdown-sql.ts';
import { genericEntry } from '../../src/providers/generic.ts';
import { knownProviders } from '../../src/providers/registry.ts';
import { foremostAnswers, lastAnswers, unexplained } from '../../src/providers/shared-answers.ts';
import { transportFaults } from '../../src/providers/transport-faults.ts';
import { rulesFor } from '../../src/providers/classify-answer.ts';
import { verdicts } from '../../src/providers/verdict.ts';

const document = readFileSync(new URL('../../docs/verdicts.md', import.meta.url), 'utf8');

/** The rows of the first table in a section, each as its cells. */
function rowsOf(heading: string): readonly (readonly string[])[] {
  const lines = sectionOf(document, heading).split('\n');
  const from = lines.findIndex((line) => line.startsWith('| ---')) + 1;
  return lines
    .slice(from)
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(/(?<!\\) \| /));
}

const sections = [
  ...knownProviders.map(({ displayName, answers }) => ({ heading: `## ${displayName}`, rules: answers })),
  { heading: '## Any other OpenAI-compatible endpoint', rules: genericEntry('x').answers },
  { heading: '## Before all others', rules: foremostAnswers },
  { heading: '## After all others', rules: [...lastAnswers, unexplained] },
];

describe.each(sections)('$heading', ({ heading, rules }) => {
  it('has a row for every rule, in order, with its status and its verdict', () => {
    const rows = rowsOf(heading).map(([status, , verdict]) => `${status} ${verdict?.split(',')[0]}`);
    const expected = rules.map((rule) => {
      const status = 'status' in rule && rule.status !== undefined ? [rule.status].flat().join(', ') : 'any';
      return `${status} \`${rule.verdict}\``;
    });
    expect(rows).toEqual(expected);
  });
});

it('names every verdict, and which are proof', () => {
  const rows = rowsOf('# Verdicts').slice(0, verdicts.length);
  expect(rows.map(([verdict]) => verdict)).toEqual(verdicts.map((verdict) => `\`${verdict}\``));
  expect(rows.filter(([, , proof]) => proof !== 'no').map(([verdict]) => verdict)).toEqual([
    '`valid`',
    '`invalid`',
    '`compromised`',
  ]);
});

it('names every fault on the way', () => {
  expect(rowsOf('## When no whole answer came').map(([code]) => code)).toEqual(
    transportFaults.map(({ name }) => `\`${name}\``),
  );
});

it('says rightly that no pattern distinguishes capitals', () => {
  const entries = [...knownProviders, genericEntry('x')];
  const patterns = entries
    .flatMap((entry) => rulesFor(entry))
    .flatMap(({ bodyPattern, headers }) => [bodyPattern, ...Object.values(headers ?? {})])
    .filter((pattern) => pattern !== undefined);
  expect(patterns.length).toBeGreaterThan(20);
  expect(patterns.filter(({ flags }) => flags !== 'i')).toEqual([]);
});
