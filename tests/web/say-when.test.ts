/** How the page says when something was or will be. */
import { expect, it } from 'vitest';
import { sayWhen } from '../../web/parts/say-when.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

it.each([
  ['what was a moment ago', -3 * second, 'just now'],
  ['what passed since the clock of the page moved on', 14 * second, 'just now'],
  ['what is about to be', 40 * second, 'in a moment'],
  ['a soak of a day that has just begun', day - 5 * second, 'in 1 day'],
  ['a soak of a day, after an hour', 23 * hour, 'in 23 hours'],
  ['more than half of a unit', -(5 * minute + 40 * second), '6 minutes ago'],
  ['nearly two days', -(2 * day - 10 * minute), '2 days ago'],
  ['a quarter of a year', 90 * day, 'in 90 days'],
  ['a little less than it', 90 * day - hour, 'in 90 days'],
  ['more than a hundred days', 183 * day, 'in 6 months'],
  ['years', -3 * 365.25 * day, '3 years ago'],
])('%s is said to the nearest unit', (_, offset, words) => {
  expect(sayWhen(offset, 0)).toBe(words);
});
