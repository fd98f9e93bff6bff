/** A bar a day, with what failed of it in front. The table of the days says the same in numbers. */
import { Text } from '@mantine/core';
import { useCallback, useState } from 'react';
import UPlot from 'uplot';
import { axisOn, inkOn, Plot } from '../../parts/plot.tsx';
import { sayAmount, sayUsd } from '../../parts/say-amount.ts';
import type { UsageShown } from '../../router.tsx';
import { amountOf, sayDay, type DaySum } from './sums.ts';

type Measure = NonNullable<UsageShown['measure']>;

const height = 220;
const short = new Intl.NumberFormat('en', { notation: 'compact' });

export interface ChartOf {
  /** Oldest first. */
  readonly days: readonly DaySum[];
  readonly measure: Measure;
}

export function UsageChart({ days, measure }: ChartOf) {
  const [pointed, setPointed] = useState<DaySum | null>(null);
  const draw = useCallback(
    (target: HTMLElement, width: number): UPlot => {
      const onPoint = (index: number | null): void =>
        setPointed(index === null ? null : (days[index] ?? null));
      const data: UPlot.AlignedData = [
        days.map((_, index) => index),
        days.map((one) => amountOf(measure, one)),
        days.map(({ errors }) => (measure === 'requests' ? errors : null)),
      ];
      return new UPlot(optionsFor(target, { days, measure }, width, onPoint), data, target);
    },
    [days, measure],
  );
  return (
    <div>
      <Plot height={height} label={inWords({ days, measure })} draw={draw} />
      <Text size="sm" className="quiet" mih="1.6em">
        {pointed === null ? '' : `${sayDay(pointed.day)}: ${sayDayOf(measure, pointed)}`}
      </Text>
    </div>
  );
}

function sayDayOf(measure: Measure, sum: DaySum): string {
  const said = sayAmount(measure, amountOf(measure, sum));
  return measure === 'requests' && sum.errors > 0 ? `${said}, ${sum.errors} failed` : said;
}

function inWords({ days, measure }: ChartOf): string {
  const amounts = days.map((one) => amountOf(measure, one));
  const most = Math.max(...amounts);
  const at = days[amounts.indexOf(most)];
  const sum = amounts.reduce((before, one) => before + one, 0);
  const peak = at === undefined ? '' : `, the most on ${sayDay(at.day)}: ${sayAmount(measure, most)}`;
  return `${sayAmount(measure, sum)} in ${days.length} days${peak}. The table by day holds them all.`;
}

function optionsFor(
  target: HTMLElement,
  { days, measure }: ChartOf,
  width: number,
  onPoint: (index: number | null) => void,
): UPlot.Options {
  const axis = axisOn(target);
  const bars = UPlot.paths.bars?.({ size: [0.7, 32] });
  const filled = (name: string): UPlot.Series => {
    const ink = inkOn(target, name);
    return { ...(bars && { paths: bars }), fill: ink, stroke: ink, width: 0, points: { show: false } };
  };
  const sayTick = (tick: number): string => (measure === 'cost' ? sayUsd(tick) : short.format(tick));
  return {
    width,
    height,
    legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-0.5, days.length - 0.5] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 36,
        space: 60,
        incrs: [1, 2, 5, 7, 14, 30],
        values: (_, ticks) => ticks.map((tick) => sayTickOf(days[tick])),
      },
      {
        ...axis,
        size: 56,
        ...(measure !== 'cost' && { incrs: wholeSteps }),
        values: (_, ticks) => ticks.map(sayTick),
      },
    ],
    series: [{}, filled('accent'), filled('bad')],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}

/** There are no half requests. */
const wholeSteps = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

function sayTickOf(day: DaySum | undefined): string {
  return day === undefined ? '' : sayDay(day.day);
}
