/**
 * What an expression of PromQL asks for, and whether a scrape has it: enough of the language to find its metrics,
 * matchers and groupings, and no more.
 */

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

export interface Asked {
  readonly selectors: readonly Selector[];
  /** The labels of `by`, `on` and the like. */
  readonly groupings: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** The series of a scrape, by metric. */
export type Scrape = ReadonlyMap<string, readonly Labels[]>;

const groupingWords = new Set(['by', 'on', 'group_left', 'group_right', 'without', 'ignoring']);
const otherWords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'sum', 'min', 'max', 'avg', 'count']);
/** What Prometheus itself adds to what it scrapes. */
const ofPrometheus = new Set(['job', 'instance']);
const madeByPrometheus = new Set(['up']);

const words = /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\d[\w.]*|([a-z_:][\w:]*)\s*(\(|\{[^}]*\})?/gi;

export function askedBy(expression: string): Asked {
  const selectors: Selector[] = [];
  const groupings: string[] = [];
  for (const { 1: word, 2: follows = '', index, 0: text } of expression.matchAll(words)) {
    if (word === undefined || otherWords.has(word)) continue;
    if (groupingWords.has(word)) {
      const rest = expression.slice(index + text.length);
      groupings.push(...namesIn(rest.slice(0, rest.indexOf(')'))));
    } else if (follows !== '(') selectors.push({ metric: word, matchers: matchersIn(follows) });
  }
  // The names in groupings look like metrics to the pattern.
  return { groupings, selectors: selectors.filter(({ metric }) => !groupings.includes(metric)) };
}

function namesIn(list: string): string[] {
  return list.split(',').flatMap((name) => name.trim() || []);
}

function matchersIn(braces: string): Matcher[] {
  const each = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;
  return Array.from(braces.matchAll(each), ([, label = '', operator = '', value = '']) => ({
    label,
    operator,
    value,
  }));
}

/** @param text as GET /metrics answers */
export function readScrape(text: string): Scrape {
  const series = new Map<string, Labels[]>();
  for (const [, metric = '', braces = ''] of text.matchAll(/^([a-z_:][\w:]*)(\{[^}]*\})? \S+$/gim)) {
    const labels = Object.fromEntries(matchersIn(braces).map(({ label, value }) => [label, value]));
    series.set(metric, [...(series.get(metric) ?? []), labels]);
  }
  return series;
}

/** What an expression asks for and the scrape does not have, in words. */
export function missingIn(scrape: Scrape, expression: string): string[] {
  const { selectors, groupings } = askedBy(expression);
  const found = selectors.flatMap(({ metric }) => scrape.get(metric) ?? []);
  const isGiven = (label: string): boolean =>
    ofPrometheus.has(label) || found.some((labels) => label in labels);
  return [
    ...(selectors.length === 0 ? ['it asks for no metric'] : []),
    ...selectors.flatMap((selector) => missing(scrape, selector)),
    ...groupings.filter((label) => !isGiven(label)).map((label) => `no series has the label ${label}`),
  ];
}

function missing(scrape: Scrape, { metric, matchers }: Selector): string[] {
  if (madeByPrometheus.has(metric)) return [];
  const series = scrape.get(metric);
  if (series === undefined) return [`${metric} is in no scrape`];
  const own = matchers.filter(({ label }) => !ofPrometheus.has(label));
  if (series.some((labels) => own.every((matcher) => fits(labels, matcher)))) return [];
  return [`${metric} has no series with ${own.map((one) => Object.values(one).join('')).join()}`];
}

function fits(labels: Labels, { label, operator, value }: Matcher): boolean {
  const given = labels[label];
  if (given === undefined) return false;
  const isSame = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(given) : given === value;
  return operator.startsWith('!') ? !isSame : isSame;
}
