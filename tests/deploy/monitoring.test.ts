/**
 * What stands in deploy/ fits what Keyward tells: each metric, label and value that a panel or a rule names is in the
 * scrape of a Keyward that runs, each rule fires on its trouble, and a Prometheus understands all of it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { hasPrometheus, promtool, startPrometheus } from '../support/prometheus.ts';
import { askedBy, missingIn, readScrape, type Scrape } from '../support/promql.ts';
import { startScrapedKeyward, type ScrapedKeyward } from '../support/scraped-keyward.ts';

const inDeploy = (path: string): string => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
const ruleFile = inDeploy('prometheus/keyward-alerts.yml');
const unitTests = inDeploy('prometheus/keyward-alerts.test.yml');

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; type: string; definition?: string }[] };
}

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const dashboard = JSON.parse(await readFile(inDeploy('grafana/keyward-dashboard.json'), 'utf8')) as Dashboard;
const ruleText = await readFile(ruleFile, 'utf8');
const { groups } = parse(ruleText) as { groups: { rules: AlertRule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

/** As Grafana puts its variables in when all is chosen. */
function filledIn(expression: string): string {
  return expression.replaceAll('$__rate_interval', '30s').replaceAll(/\$(?:job|instance|provider)\b/g, '.*');
}

let world: ScrapedKeyward;
let scraped: string;
let scrape: Scrape;
beforeAll(async () => {
  world = await startScrapedKeyward();
  await world.live();
  scraped = await world.scrape();
  scrape = readScrape(scraped);
});
afterAll(async () => world.stop());

describe('the dashboard', () => {
  it.each(queries)('shows in "$title" what a scrape has: $expr', ({ expr, legendFormat }) => {
    expect(missingIn(scrape, filledIn(expr))).toEqual([]);
    const { groupings, selectors } = askedBy(filledIn(expr));
    const given = groupings.length > 0 ? groupings : selectors.flatMap(({ metric }) => labelsOf(metric));
    const named = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label);
    expect(named.filter((label) => !given.includes(label ?? ''))).toEqual([]);
  });

  it('lets choose among labels that a scrape has', () => {
    const definitions = dashboard.templating.list.flatMap(({ definition = '' }) => {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      return selector === undefined ? [] : [`sum by (${label ?? ''}) (${filledIn(selector)})`];
    });
    expect(definitions).toHaveLength(3);
    expect(definitions.flatMap((one) => missingIn(scrape, one))).toEqual([]);
  });

  it("leaves none of Keyward's own metrics out, and no panel lies on another", () => {
    const shown = new Set(
      queries.flatMap(({ expr }) => askedBy(filledIn(expr)).selectors.map(({ metric }) => metric)),
    );
    const own = Array.from(scraped.matchAll(/^# TYPE (keyward_\w+) (\w+)$/gm), ([, name = '', type]) =>
      type === 'histogram' ? `${name}_bucket` : name,
    );
    expect(own.filter((name) => !shown.has(name))).toEqual([]);
    const taken = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(taken).size).toBe(taken.length);
  });

  it('and the rules ask how fast something grows of counters alone, which a restart sets back', () => {
    const types = new Map(
      Array.from(scraped.matchAll(/^# TYPE (\w+) (\w+)$/gm), ([, name = '', type = '']) => [name, type]),
    );
    const growing = [...queries, ...rules].flatMap(({ expr }) =>
      Array.from(expr.matchAll(/\b(?:rate|irate|increase)\((\w+)/g), ([, name = '']) => name),
    );
    expect(growing).toContain('keyward_database_queries_total');
    const typeOf = (name: string): string | undefined =>
      types.get(name) ?? types.get(name.replace(/_(?:bucket|count|sum)$/, ''));
    expect(growing.filter((name) => !['counter', 'histogram'].includes(typeOf(name) ?? ''))).toEqual([]);
  });

  it('would be noticed with a metric, a label or a value that nobody tells', () => {
    expect(missingIn(scrape, 'sum(keyward_helth_status)')).toEqual(['keyward_helth_status is in no scrape']);
    expect(missingIn(scrape, 'sum by (slug) (keyward_health_status)')).toEqual([
      'no series has the label slug',
    ]);
    expect(missingIn(scrape, 'keyward_health_status{status="dead"}')).toEqual([
      'keyward_health_status has no series with status=dead',
    ]);
    expect(missingIn(scrape, 'rate(keyward_requests_total{state=~"5.."}[5m])')).toEqual([
      'keyward_requests_total has no series with state=~5..',
    ]);
  });
});

describe('the alert rules', () => {
  it.each(rules)('$alert asks for what a scrape has, and says what to do', ({ expr, ...rule }) => {
    expect(missingIn(scrape, expr)).toEqual([]);
    expect(['info', 'warning', 'critical']).toContain(rule.labels.severity);
    expect(Object.keys(rule.annotations).toSorted()).toEqual(['description', 'summary']);
  });

  it('have each a test in which they fire, with a name of their own', async () => {
    const { tests } = parse(await readFile(unitTests, 'utf8')) as {
      tests: { alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[] }[];
    };
    const fired = tests.flatMap(({ alert_rule_test: cases = [] }) =>
      cases.flatMap(({ alertname, exp_alerts: alerts = [] }) => (alerts.length > 0 ? [alertname] : [])),
    );
    expect([...new Set(fired)].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  });
});

function labelsOf(metric: string): string[] {
  return [...(scrape.get(metric) ?? []).flatMap((labels) => Object.keys(labels)), 'job', 'instance'];
}

// `.ci/run` installs it; by hand: apt-get install prometheus, with its service kept from starting.
describe.skipIf(!hasPrometheus())("with Debian's prometheus, which has to be installed", () => {
  it('promtool takes the rules, and all their tests pass', () => {
    expect(promtool(['check', 'rules', ruleFile])).toMatchObject({ exitCode: 0 });
    const tested = promtool(['test', 'rules', unitTests]);
    expect(tested).toEqual({ exitCode: 0, said: expect.stringContaining('SUCCESS') });
  });

  it('the tests notice each rule that never fires', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keyward-test-rules-'));
    onTestFinished(async () => rm(directory, { recursive: true, force: true }));
    await writeFile(
      join(directory, 'keyward-alerts.yml'),
      ruleText.replace(/expr: (.*)/g, 'expr: ($1) < -1'),
    );
    const copy = join(directory, 'keyward-alerts.test.yml');
    await writeFile(copy, await readFile(unitTests, 'utf8'));
    const { exitCode, said } = promtool(['test', 'rules', copy]);
    expect(exitCode).toBe(1);
    expect(rules.filter(({ alert }) => !said.includes(`alertname: ${alert},`))).toEqual([]);
  });

  it("promtool finds nothing to say about the names and the help of Keyward's metrics", () => {
    // What Node's process tells of itself is named by prom-client.
    const own = scraped.match(/^(?:# (?:HELP|TYPE) )?keyward_.*$/gm) ?? [];
    expect(promtool(['check', 'metrics'], `${own.join('\n')}\n`)).toEqual({ exitCode: 0, said: '' });
    expect(promtool(['check', 'metrics'], scraped).said).not.toContain('error while linting');
  });

  it('a Prometheus that scrapes it fills every panel, takes every rule, and raises an alert', async () => {
    const prometheus = await startPrometheus(new URL(world.keyward.server.url).host, ruleFile);
    onTestFinished(async () => prometheus.stop());
    await expect.poll(async () => prometheus.query('keyward_revision')).toHaveLength(1);
    await world.live();
    for (const { title, expr } of queries) {
      await expect
        .poll(async () => [title, (await prometheus.query(filledIn(expr))).length > 0])
        .toEqual([title, true]);
    }
    const raised = async (): Promise<string[]> =>
      (await prometheus.rules()).filter(({ state }) => state === 'firing').map(({ name }) => name);
    await expect.poll(raised).toContain('KeywardKeyRefused');
    const told = (await prometheus.rules()).map(({ name, health }) => `${name} ${health}`);
    expect(told.toSorted()).toEqual(rules.map(({ alert }) => `${alert} ok`).toSorted());
  });
});
