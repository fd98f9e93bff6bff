/** How the key stands that serves: what the last test said, what to do, how old it is, and what is coming. */
import { Alert, Text } from '@mantine/core';
import { CalendarClock, CircleAlert, CircleCheck } from 'lucide-react';
import type { Provider, ProviderHealth } from '../../api/views.ts';
import { AgeBar } from '../../parts/age-bar.tsx';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { statusOf } from '../../parts/verdict.tsx';

export function KeyState({
  provider,
  health,
}: {
  readonly provider: Provider;
  readonly health: ProviderHealth | undefined;
}) {
  const status = statusOf(provider, health);
  const { stored_key: stored } = provider;
  const test = health?.last_test ?? null;
  const mask = health?.mask ?? stored?.mask ?? null;
  return (
    <Panel title="The key">
      <Alert
        color={status.color}
        icon={status.color === 'green' ? <CircleCheck aria-hidden /> : <CircleAlert aria-hidden />}
        title={status.word}
      >
        {status.message} {test?.message === status.message && test.advice}
      </Alert>
      {health?.warnings.map(({ kind, severity, message, advice }) => (
        <Alert
          key={kind}
          color={severity === 'critical' ? 'red' : severity === 'warning' ? 'yellow' : 'gray'}
          icon={<CalendarClock aria-hidden />}
          title={message}
        >
          <Text size="sm">{advice}</Text>
        </Alert>
      ))}
      {mask === null ? (
        <Text size="sm" className="quiet">
          Nothing is known of a key: none is stored, and none serves.
        </Text>
      ) : (
        <FactList>
          <Fact name="Key">
            <span className="mono">{mask}</span>
          </Fact>
          <Fact name="Fingerprint">
            <span className="mono">{health?.fingerprint ?? stored?.fingerprint ?? '–'}</span>
          </Fact>
          <Fact name="Last tested">
            <RelativeTime at={test?.tested_at ?? stored?.last_tested_at ?? null} />
            {test !== null && ` by ${test.asked_by}, ${test.response_time_ms} ms`}
          </Fact>
          <Fact name="Last answered a call">
            <RelativeTime at={health?.last_answer_at ?? null} none="not that is known" />
          </Fact>
          <Fact name="Age">
            <AgeBar health={health} />
          </Fact>
          <Fact name="In use since">
            <RelativeTime at={health?.key_since ?? stored?.updated_at ?? null} none="not known" />
          </Fact>
          <Fact name="Ends">
            <RelativeTime at={health?.expires_at ?? null} none="nobody has said" />
          </Fact>
          <Fact name="Whose it is">
            {health?.policy.owner ?? <span className="quiet">nobody has been named</span>}
          </Fact>
        </FactList>
      )}
    </Panel>
  );
}
