/** How bad an alert or a warning is, and what has become of it: in words, the colour only repeats them. */
import type { Alert, KeyWarning } from '../api/views.ts';
import { SaidBadge, type Said } from './verdict.tsx';

const severities: Readonly<Record<KeyWarning['severity'], Said>> = {
  critical: { word: 'Critical', color: 'red' },
  warning: { word: 'Warning', color: 'orange' },
  info: { word: 'Info', color: 'gray' },
};

export const severityChoices = (['critical', 'warning', 'info'] as const).map((value) => ({
  value,
  label: severities[value].word,
}));

export function SeverityBadge({ severity }: { readonly severity: KeyWarning['severity'] }) {
  return <SaidBadge said={severities[severity]} />;
}

const states: Readonly<Record<Alert['state'], Said>> = {
  open: { word: 'Open', color: 'red' },
  acknowledged: { word: 'Seen to', color: 'yellow' },
  snoozed: { word: 'Put off', color: 'yellow' },
  resolved: { word: 'Over', color: 'green' },
};

export function AlertStateBadge({ state }: { readonly state: Alert['state'] }) {
  return <SaidBadge said={states[state]} />;
}
