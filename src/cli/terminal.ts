/**
 * What commands say. Results go to standard output, where programs read; remarks, progress and errors go
 * to standard error, where people read. Colour only on a terminal, and not under NO_COLOR.
 */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

export function remark(line = ''): void {
  process.stderr.write(`${line}\n`);
}

/** How far long work has come, on one line that is written over; shown on a terminal only. */
export function progressLine(): { show: (text: string) => void; end: () => void } {
  let shownAt = 0;
  return {
    show: (text) => {
      if (!process.stderr.isTTY || performance.now() - shownAt < progressPauseMs) return;
      shownAt = performance.now();
      // A longer line would wrap, and the next one would not come back to its beginning.
      process.stderr.write(`\r${text.slice(0, (process.stderr.columns ?? 80) - 1)}${eraseRest}`);
    },
    end: () => {
      if (shownAt > 0) process.stderr.write(`\r${eraseRest}`);
    },
  };
}

const progressPauseMs = 100;
/** ECMA-48: erase to the end of the line. */
const eraseRest = '\u001b[K';

/** Styled where standard output shows it. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Columns padded to their widest cell, two spaces apart; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `1 event`, `2 events`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** `3 d`, `5 h`, `12 min`, `8 s`: how long ago, in its largest unit. */
export function ago(from: Date | null, now = new Date()): string {
  if (from === null) return '-';
  const seconds = Math.max(0, Math.round((now.getTime() - from.getTime()) / 1000));
  if (seconds >= 172_800) return `${Math.floor(seconds / 86_400)} d`;
  if (seconds >= 7_200) return `${Math.floor(seconds / 3_600)} h`;
  if (seconds >= 120) return `${Math.floor(seconds / 60)} min`;
  return `${seconds} s`;
}
