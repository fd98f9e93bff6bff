/** Amounts as the page says them: of requests, of tokens, of money. */
import { count } from './count.ts';

const cents = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' });
const parts = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'USD',
  maximumSignificantDigits: 2,
});

/** `$12.34`; of less than ten cents the first two digits, `$0.0012`. */
export function sayUsd(amount: number): string {
  return amount > 0 && amount < 0.1 ? parts.format(amount) : cents.format(amount);
}

/** `1,234 requests`, `$1.20`. */
export function sayAmount(measure: 'requests' | 'tokens' | 'cost', amount: number): string {
  if (measure === 'cost') return sayUsd(amount);
  const one = measure === 'requests' ? 'request' : 'token';
  return `${count.format(amount)} ${one}${amount === 1 ? '' : 's'}`;
}
