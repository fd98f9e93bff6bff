/** A time as people say it, with the exact one on hover and focus. */
import { Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { sayWhen } from './say-when.ts';

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** `31 Jan 2026, 12:00:00`, where the reader is. */
export function exactTime(at: string): string {
  return exact.format(new Date(at));
}

let now = Date.now();
const listeners = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) now = Date.now();
  listeners.add(listener);
  clock ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, 15_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  };
}

/** One clock for all times that are shown, so that they move on together. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function RelativeTime({ at, none = 'never' }: { readonly at: string | null; readonly none?: string }) {
  const from = useNow();
  if (at === null) return <span className="quiet">{none}</span>;
  const time = new Date(at);
  return (
    <Tooltip label={`${exact.format(time)} (${time.toISOString()})`}>
      <time dateTime={at} tabIndex={0}>
        {sayWhen(time.getTime(), from)}
      </time>
    </Tooltip>
  );
}
