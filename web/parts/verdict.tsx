/** What a test said of a key, in a word and a colour; the colour never says it alone. */
import { Badge, Tooltip, type MantineColor } from '@mantine/core';
import type { Provider, ProviderHealth } from '../api/views.ts';

export interface Said {
  readonly word: string;
  readonly color: MantineColor;
}

const verdicts: Readonly<Record<string, Said>> = {
  valid: { word: 'Valid', color: 'green' },
  invalid: { word: 'Refused', color: 'red' },
  compromised: { word: 'Leaked', color: 'red' },
  restricted: { word: 'Restricted', color: 'orange' },
  out_of_credit: { word: 'Out of credit', color: 'orange' },
  rate_limited: { word: 'Rate limited', color: 'yellow' },
  region_blocked: { word: 'Region blocked', color: 'orange' },
  unreachable: { word: 'Not reached', color: 'yellow' },
  unknown: { word: 'Unclear', color: 'yellow' },
};

/** Whether it is proof that the key is none. */
export function isDead(verdict: string | null): boolean {
  return verdict === 'invalid' || verdict === 'compromised';
}

export function wordsOf(verdict: string): Said {
  return verdicts[verdict] ?? { word: verdict, color: 'gray' };
}

export function VerdictBadge({
  verdict,
  message,
}: {
  readonly verdict: string;
  readonly message?: string | undefined;
}) {
  return <SaidBadge said={wordsOf(verdict)} message={message} />;
}

export function SaidBadge({
  said: { word, color },
  message,
}: {
  readonly said: Said;
  readonly message?: string | undefined;
}) {
  const badge = (
    <Badge variant="light" color={color} tt="none" fw={600} tabIndex={message === undefined ? undefined : 0}>
      {word}
    </Badge>
  );
  return message === undefined ? (
    badge
  ) : (
    <Tooltip label={message} multiline maw={360}>
      {badge}
    </Tooltip>
  );
}

/** The state of the key that serves a provider, or of the stored one where none serves. */
export function statusOf(
  provider: Provider,
  health: ProviderHealth | undefined,
): Said & { readonly message: string } {
  const { stored_key: stored, serves } = provider;
  if (stored?.problem != null) return { word: 'Cannot be read', color: 'red', message: stored.problem };
  if (stored?.binding === 'parked')
    return {
      word: 'Parked',
      color: 'orange',
      message: 'The key stays out of use until it is entered again.',
    };
  if (serves.source === null && stored === null)
    return { word: 'No key', color: 'gray', message: serves.reason };
  // Until the health is there, and of a provider that is not active, the row of the provider says it.
  const verdict = health === undefined ? verdictIn(stored?.test_status ?? null) : health.verdict;
  if (verdict != null && verdict !== '')
    return { ...wordsOf(verdict), message: health?.last_test?.message ?? health?.reason ?? serves.reason };
  const known = serves.source === null ? verdictIn(stored?.test_status ?? null) : null;
  if (known !== null)
    return {
      ...wordsOf(known),
      message: `So the last test said of the stored key. It does not serve: ${serves.reason}.`,
    };
  return { word: 'Untested', color: 'gray', message: 'No test has said anything of this key yet.' };
}

/** What the column api_key_test_status says; null for a key that was never tested. */
function verdictIn(status: string | null): string | null {
  if (status === 'error') return 'unknown';
  return status === 'valid' || status === 'invalid' ? status : null;
}
