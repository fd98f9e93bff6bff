/** Amounts of money as the page says them. */
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
