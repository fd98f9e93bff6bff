/**
 * What an alert says, fit to be stored, shown and sent: without keys, on one line each, and not without end. It
 * goes to places that Keyward knows nothing of.
 */
import { quotable } from '../providers/redact.ts';
import type { AlertDetails } from './condition.ts';

const longestText = 500;
const mostNames = 100;

export function storableDetails(details: AlertDetails): AlertDetails {
  const entries = Object.entries(details).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    if (typeof value === 'string') return [[name, clean(value)]];
    if (Array.isArray(value)) return [[name, value.slice(0, mostNames).map((one) => clean(String(one)))]];
    return typeof value === 'number' ? [[name, value]] : [];
  });
  return { ...(Object.fromEntries(entries) as Partial<AlertDetails>), what: clean(details.what) };
}

function clean(text: string): string {
  return quotable(text, [], longestText);
}
