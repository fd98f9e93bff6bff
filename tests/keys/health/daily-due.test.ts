import { dayOf } from '../../../src/foundation/day.ts';
import { expect, test } from 'vitest';
import { dailyDueAt } from '../../../src/keys/health/daily-due.ts';
import { knownProviders } from '../../../src/providers/registry.ts';

const window = { fromMinute: 120, toMinute: 300 };

test('each provider has its minute within the window, the same every day, and not all the same', () => {
  const times = knownProviders.map(({ slug }) => dailyDueAt(slug, '2026-03-29', window));
  for (const time of times) {
    expect(time.getTime()).toBeGreaterThanOrEqual(Date.parse('2026-03-29T02:00:00Z'));
    expect(time.getTime()).toBeLessThan(Date.parse('2026-03-29T05:00:00Z'));
  }
  expect(new Set(times.map(Number)).size).toBe(times.length);
  const next = dailyDueAt('openai', '2026-03-30', window);
  expect(next.getTime() - dailyDueAt('openai', '2026-03-29', window).getTime()).toBe(86_400_000);
});

test('a window of a minute holds them all', () => {
  const time = dailyDueAt('openai', '2028-02-29', { fromMinute: 1_439, toMinute: 1_440 });
  expect(dayOf(time)).toBe('2028-02-29');
  expect(time.getUTCHours() * 60 + time.getUTCMinutes()).toBe(1_439);
});
