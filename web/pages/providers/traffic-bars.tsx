/** What was asked of a provider in the last 24 hours, a bar for each hour; what failed stands below in its own colour. */
import { Tooltip } from '@mantine/core';
import { count } from '../../parts/count.ts';
import { sayAmount } from '../../parts/say-amount.ts';
import type { Traffic } from './rows.ts';
import classes from './traffic-bars.module.css';

/** In units of the drawing, which is as wide as its cell. */
const hourWidth = 4;
const barWidth = 3;
const height = 24;
/** However few there are among many, they can be seen. */
const least = 1.5;

export function TrafficBars({ traffic }: { readonly traffic: Traffic | null | undefined }) {
  if (traffic === undefined) return <span className="quiet">–</span>;
  const requests = traffic === null ? 0 : sumOf(traffic.requests);
  if (traffic === null || requests === 0) return <span className="quiet">none</span>;
  const errors = sumOf(traffic.errors);
  const most = Math.max(...traffic.requests);
  const paths = pathsOf(traffic, most);
  const words = `${sayAmount('requests', requests)} in 24 hours, ${errors === 0 ? 'none' : count.format(errors)} failed`;
  return (
    <Tooltip label={`${words}. The most in an hour: ${count.format(most)}.`}>
      <svg
        className={classes['bars']}
        viewBox={`0 0 ${traffic.requests.length * hourWidth} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
        tabIndex={0}
      >
        <path className={classes['empty']} d={paths.empty} />
        <path className={classes['asked']} d={paths.asked} />
        <path className={classes['failed']} d={paths.failed} />
      </svg>
    </Tooltip>
  );
}

/** One path for all bars of a colour: hundreds of rows are drawn as one scrolls. */
function pathsOf({ requests, errors }: Traffic, most: number) {
  const paths = { empty: '', asked: '', failed: '' };
  for (const [hour, asked] of requests.entries()) {
    const whole = heightOf(asked, most);
    const bad = Math.min(whole, heightOf(errors[hour] ?? 0, most));
    if (whole === 0) paths.empty += bar(hour, height, 1);
    paths.failed += bar(hour, height, bad);
    paths.asked += bar(hour, height - bad, whole - bad);
  }
  return paths;
}

function bar(hour: number, foot: number, tall: number): string {
  return tall <= 0
    ? ''
    : `M${hour * hourWidth} ${rounded(foot)}v${-rounded(tall)}h${barWidth}v${rounded(tall)}z`;
}

function heightOf(number: number, most: number): number {
  return number === 0 ? 0 : Math.max(least, (number / most) * height);
}

const rounded = (number: number): number => Math.round(number * 100) / 100;

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
