/**
 * Decides which names that a caller chose may stand in an answer. A key that was pasted into the wrong place
 * would otherwise be repeated to screens and logs.
 */
import { redactSecrets } from '../providers/redact.ts';

const longestName = 40;
/** Words with few digits: keys have many. */
const wordy = /^[A-Za-z_][A-Za-z_.-]*(?:\d{1,3}[A-Za-z_.-]*)?$/;

/** The name itself, or null where it could be a secret. */
export function shownName(name: string): string | null {
  if (name.length > longestName || !wordy.test(name)) return null;
  return redactSecrets(name, []) === name ? name : null;
}

/** `if-match` becomes `If-Match`. */
export function headerTitle(name: string): string {
  return name.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
