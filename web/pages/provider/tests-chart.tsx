/** Latency over time, each test a point in the colour of its verdict. The table below says the same in words. */
import { Text } from '@mantine/core';
import { useCallback, useState } from 'react';
import UPlot from 'uplot';
import type { RecordedTest } from '../../api/views.ts';
import { axisOn, inkOn, Plot } from '../../parts/plot.tsx';
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
  const [pointed, setPointed] = useState<RecordedTest | null>(null);
  const latest = tests[0];
  const draw = useCallback(
    (target: HTMLElement, width: number): UPlot => {
      const oldestFirst = tests.toReversed();
      const onPoint = (index: number | null): void =>
        setPointed(index === null ? null : (oldestFirst[index] ?? null));
      return new UPlot(optionsFor(target, { width, onPoint }), dataOf(oldestFirst), target);
    },
    [tests],
  );
  return (
    <div>
      <Plot
        height={height}
        label={`${tests.length} tests${latest === undefined ? '' : `, the last one ${wordsOf(latest.verdict).word} in ${latest.response_time_ms} ms`}. The table below holds them all.`}
        draw={draw}
      />
      <Legend tests={tests} />
      <Text size="sm" className="quiet" mih="1.6em">
        {pointed === null
          ? ''
          : `${exact.format(new Date(pointed.tested_at))}: ${wordsOf(pointed.verdict).word}, ${pointed.response_time_ms} ms`}
      </Text>
    </div>
  );
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
  const axis = axisOn(target);
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { range: (_, first, last) => aroundTimes(first, last) },
      y: { range: (_, __, most) => [0, Math.max(most * 1.15, 1)] },
    },
    axes: [
      { ...axis, space: 84, values: (_, times, __, ___, step) => timesInWords(times, step) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => `${tick} ms`) },
    ],
    series: [
      {},
      { stroke: inkOn(target, 'line'), width: 1.5, points: { show: false } },
      ...tones.map((tone): UPlot.Series => {
        const ink = inkOn(target, tone);
        return { paths: () => null, points: { show: true, size: 8, fill: ink, stroke: ink } };
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}

/** Room on both sides: no point lies on the edge, and one test, or several at once, lie in the middle. In seconds. */
function aroundTimes(first: number, last: number): [number, number] {
  const room = Math.max((last - first) * 0.03, 30);
  return [first - room, last + room];
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
