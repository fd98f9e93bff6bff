/**
 * What `keyward migrate` says to a person, on standard error: a header, each step with a mark, a closing
 * line. Colour only on a terminal, and not under NO_COLOR.
 */
import { styleText } from 'node:util';
import { remark } from './terminal.ts';

const rule = '='.repeat(70);

export const transcript = {
  section: (title: string): void => remark(`${rule}\n  ${paint('bold', title)}\n${rule}\n`),
  good: (text: string): void => remark(paint('green', `✅ ${text}`)),
  bad: (text: string): void => remark(paint('red', `❌ ${text}`)),
  info: (text: string): void => remark(paint('blue', `ℹ️  ${text}`)),
  warn: (text: string): void => remark(paint('yellow', `⚠️  ${text}`)),
  line: (text = ''): void => remark(text),
} as const;

function paint(style: 'bold' | 'green' | 'red' | 'blue' | 'yellow', text: string): string {
  return styleText(style, text, { stream: process.stderr });
}
