/** Figures as bench:streams tells them. */
import { quantile } from './measure.ts';

export function median(numbers: readonly number[]): number {
  return quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

export function kibibytes(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
