/** Latency over time, each test a point in the colour of its verdict. The table below says the same in words. */
import { Text, useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RecordedTest } from '../../api/views.ts';
import { wordsOf } from '../../parts/verdict.tsx';
import classes from './tests-chart.module.css';

/** What a verdict is drawn as: the tones of the badges. */
const tones = ['good', 'warn', 'bad'] as const;
type Tone = (typeof tones)[number];

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const height = 220;

function toneOf(verdict: string): Tone {
  const { color } = wordsOf(verdict);
  return color === 'green' ? 'good' : color === 'red' ? 'bad' : 'warn';
}

export function TestsChart({ tests }: { readonly tests: readonly RecordedTest[] }) {
  const scheme = useComputedColorScheme();
  const { ref: frame, width } = useElementSize();
  const [pointed, setPointed] = useState<RecordedTest | null>(null);
  const latest = tests[0];
  return (
    <div ref={frame}>
      <div
        className={classes['chart']}
        style={{ height }}
        role="img"
        aria-label={`${tests.length} tests${latest === undefined ? '' : `, the last one ${wordsOf(latest.verdict).word} in ${latest.response_time_ms} ms`}. The table below holds them all.`}
      >
        {width > 0 && <Plot key={`${scheme} ${width}`} tests={tests} width={width} onPoint={setPointed} />}
      </div>
      <Legend tests={tests} />
      <Text size="sm" className="quiet" mih="1.6em">
        {pointed === null
          ? ''
          : `${exact.format(new Date(pointed.tested_at))}: ${wordsOf(pointed.verdict).word}, ${pointed.response_time_ms} ms`}
      </Text>
    </div>
  );
}

/** Drawn anew with other colours or another width: its key says so. */
function Plot({
  tests,
  width,
  onPoint,
}: {
  readonly tests: readonly RecordedTest[];
  readonly width: number;
  readonly onPoint: (test: RecordedTest | null) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = place.current;
    if (target === null) return undefined;
    const oldestFirst = tests.toReversed();
    const tell = (index: number | null): void =>
      onPoint(index === null ? null : (oldestFirst[index] ?? null));
    const chart = new UPlot(optionsFor(target, { width, onPoint: tell }), dataOf(oldestFirst), target);
    return () => chart.destroy();
  }, [tests, width, onPoint]);
  return <div ref={place} />;
}

function Legend({ tests }: { readonly tests: readonly RecordedTest[] }) {
  const counts = new Map<string, number>();
  for (const { verdict } of tests) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return (
    <ul className={classes['legend']} aria-label="Verdicts">
      {[...counts].map(([verdict, count]) => (
        <li key={verdict}>
          <span className={classes['dot']} data-tone={toneOf(verdict)} aria-hidden />
          {wordsOf(verdict).word}: {count}
        </li>
      ))}
    </ul>
  );
}

function dataOf(oldestFirst: readonly RecordedTest[]): UPlot.AlignedData {
  return [
    oldestFirst.map(({ tested_at: at }) => Date.parse(at) / 1000),
    oldestFirst.map(({ response_time_ms: took }) => took),
    ...tones.map((tone) =>
      oldestFirst.map(({ verdict, response_time_ms: took }) => (toneOf(verdict) === tone ? took : null)),
    ),
  ];
}

function optionsFor(
  target: HTMLElement,
  { width, onPoint }: { readonly width: number; readonly onPoint: (index: number | null) => void },
): UPlot.Options {
  const colour = (name: string): string => colourOf(target, `var(--keyward-${name})`);
  const axis: UPlot.Axis = {
    stroke: colour('quiet'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1 },
    font: '12px system-ui, sans-serif',
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.15, 1)] } },
    axes: [
      { ...axis, space: 84, values: (_, times, __, ___, step) => timesInWords(times, step) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => `${tick} ms`) },
    ],
    series: [
      {},
      { stroke: colour('line'), width: 1.5, points: { show: false } },
      ...tones.map((tone): UPlot.Series => {
        const ink = colour(tone);
        return { paths: () => null, points: { show: true, size: 8, fill: ink, stroke: ink } };
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const second = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** @param step between two of them, in seconds */
function timesInWords(times: readonly number[], step: number): string[] {
  let before = '';
  return times.map((seconds) => {
    const at = new Date(seconds * 1000);
    const date = day.format(at);
    if (step >= 86_400) return date;
    const clock = (step < 60 ? second : time).format(at);
    const isNewDay = date !== before;
    before = date;
    return isNewDay ? `${clock}\n${date}` : clock;
  });
}

/** A canvas knows no light-dark(): the browser is asked what a colour comes to. */
function colourOf(target: HTMLElement, value: string): string {
  const probe = document.createElement('span');
  probe.style.color = value;
  target.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
