/**
 * The grid of the daily tests. One cell at a time can be reached by Tab, the others by the arrow keys; what
 * the chosen one says stands below, so that nobody needs to hover.
 */
import { Text } from '@mantine/core';
import { useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useQuery } from '@tanstack/react-query';
import { healthQuery } from '../../api/queries.ts';
import type { DailyTest } from '../../api/views.ts';
import classes from './health.module.css';
import { cellOf, dayBefore, legend } from './words.ts';

const dayName = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

interface Place {
  readonly row: number;
  readonly column: number;
}

/** To be made anew for another number of days. */
export function TestCalendar({
  tests,
  days,
}: {
  readonly tests: readonly DailyTest[];
  readonly days: number;
}) {
  const { data: health } = useQuery(healthQuery);
  const names = new Map(health?.data.map(({ provider, display_name: name }) => [provider, name]));
  const columns = useMemo(
    () => Array.from({ length: days }, (_, index) => dayBefore(days - 1 - index)),
    [days],
  );
  const { providers, byPlace } = useMemo(() => arrange(tests), [tests]);
  const [place, setPlace] = useState<Place>({ row: 0, column: days - 1 });
  const chosen = { row: Math.min(place.row, providers.length - 1), column: Math.min(place.column, days - 1) };
  // Where there is not room for all days, today is what one came for.
  const scroller = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (scroller.current !== null) scroller.current.scrollLeft = scroller.current.scrollWidth;
  }, []);
  const move = (event: KeyboardEvent<HTMLDivElement>): void => {
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const row = clamp(chosen.row + step.row, providers.length);
    const column = clamp(chosen.column + step.column, days);
    setPlace({ row, column });
    event.currentTarget.querySelector<HTMLElement>(`[data-place="${row}/${column}"]`)?.focus();
  };
  const wordsAt = (provider: string, day: string): string => {
    const test = byPlace.get(`${provider} ${day}`);
    return test === undefined ? 'no test' : cellOf(test).words;
  };
  const slug = providers[chosen.row] ?? '';
  const day = columns[chosen.column] ?? '';
  return (
    <div className="surface">
      <div ref={scroller} className={classes['calendar']}>
        <div
          role="grid"
          aria-label="Daily tests: a provider a row, a day a column"
          tabIndex={-1}
          className={classes['days']}
          onKeyDown={move}
        >
          <div role="rowgroup" className={classes['group']}>
            <div role="row" className={classes['line']}>
              <div role="columnheader" className={classes['name']}>
                <span className="unseen">Provider</span>
              </div>
              {columns.map((column, index) => (
                <div
                  key={column}
                  role="columnheader"
                  aria-label={dayName.format(new Date(column))}
                  className={classes['date']}
                >
                  {index === 0 || column.endsWith('-01')
                    ? dayName.format(new Date(column))
                    : Number(column.slice(8))}
                </div>
              ))}
            </div>
          </div>
          <div role="rowgroup" className={classes['group']}>
            {providers.map((provider, row) => (
              <div key={provider} role="row" className={classes['line']}>
                <div role="rowheader" className={classes['name']}>
                  {names.get(provider) ?? provider}
                </div>
                {columns.map((column, index) => {
                  const test = byPlace.get(`${provider} ${column}`);
                  const cell = test && cellOf(test);
                  return (
                    <div
                      key={column}
                      role="gridcell"
                      className={classes['day']}
                      data-tone={cell?.tone ?? 'none'}
                      data-place={`${row}/${index}`}
                      tabIndex={row === chosen.row && index === chosen.column ? 0 : -1}
                      title={cell?.words}
                      onFocus={() => setPlace({ row, column: index })}
                    >
                      <span aria-hidden>{cell?.mark}</span>
                      <span className="unseen">{cell?.words ?? 'no test'}</span>
                    </div>
                  );
                })}
              </div>
            ))}
          </div>
        </div>
      </div>
      <Text size="sm" px="md" pt="xs" role="status">
        <b>{names.get(slug) ?? slug}</b>, {day === '' ? '' : dayName.format(new Date(day))}:{' '}
        {wordsAt(slug, day)}.
      </Text>
      <div className={classes['legend']} style={{ padding: '0.5rem 1rem 0.75rem' }}>
        {legend.map(({ mark, tone, words }) => (
          <span key={words}>
            <span className={classes['day']} data-tone={tone} aria-hidden>
              {mark}
            </span>
            {words}
          </span>
        ))}
      </div>
    </div>
  );
}

const steps: Readonly<Record<string, Place>> = {
  ArrowRight: { row: 0, column: 1 },
  ArrowLeft: { row: 0, column: -1 },
  ArrowDown: { row: 1, column: 0 },
  ArrowUp: { row: -1, column: 0 },
};

const clamp = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value));

function arrange(tests: readonly DailyTest[]): {
  readonly providers: readonly string[];
  readonly byPlace: ReadonlyMap<string, DailyTest>;
} {
  const providers = [...new Set(tests.map(({ provider }) => provider))].toSorted();
  return { providers, byPlace: new Map(tests.map((test) => [`${test.provider} ${test.day}`, test])) };
}
