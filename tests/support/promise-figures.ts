/** What a promise's test has measured, on a line of its own in the run's output. */
export function tellFigure(promise: string, figure: string): void {
  process.stdout.write(`promise kept: ${promise}: ${figure}\n`);
}
