/** What comes back of a call: its text as it arrives, what went wrong in words, which key served, and how long it took. */
import { Group, Loader, Stack, Text } from '@mantine/core';
import { ApiError } from '../../api/client.ts';
import type { Served } from '../../api/gateway.ts';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Failure } from '../../parts/states.tsx';
import classes from './answer.module.css';
import type { Chat } from './use-chat.ts';

const stateWords: Readonly<Record<Chat['state'], string>> = {
  idle: 'Nothing was sent yet.',
  waiting: 'Waiting for the first word…',
  answering: 'Answering…',
  answered: 'Answered.',
  stopped: 'Stopped. The provider was told to stop too, and may bill what it had begun.',
  failed: 'It was not answered to the end.',
};

export function Answer({ chat }: { readonly chat: Chat }) {
  const { state, text, served, error } = chat;
  const isRunning = state === 'waiting' || state === 'answering';
  return (
    <Panel title="Answer">
      <Group gap="xs" role="status">
        {isRunning && <Loader size="xs" aria-hidden />}
        <Text size="sm" className="quiet">
          {stateWords[state]}
        </Text>
      </Group>
      {text !== '' && (
        <div
          className={classes['text']}
          role="region"
          aria-label="The text of the answer"
          aria-busy={isRunning}
          tabIndex={0}
        >
          {text}
        </div>
      )}
      {state === 'failed' && <Failure error={error} what={sayFailure(error, text)} />}
      {served !== null && <Facts served={served} chat={chat} />}
    </Panel>
  );
}

function sayFailure(error: unknown, text: string): string {
  if (text !== '') return 'The answer is not whole';
  const status = error instanceof ApiError && error.status >= 400 ? `: status ${error.status}` : '';
  return `It was not answered${status}`;
}

const sources: Readonly<Record<string, string>> = { database: 'Database', environment: 'Environment' };

function Facts({ served, chat: { firstMs, totalMs } }: { readonly served: Served; readonly chat: Chat }) {
  const { provider, source, fingerprint, attempts, fallback, overheadMs, requestId } = served;
  return (
    <Stack gap="xs">
      <FactList>
        <Fact name="Provider">{provider}</Fact>
        <Fact name="Key from">{source === null ? null : (sources[source] ?? source)}</Fact>
        <Fact name="Fingerprint of the key">
          {fingerprint === null ? null : <span className="mono">{fingerprint}</span>}
        </Fact>
        <Fact name="Attempts">{attempts}</Fact>
        <Fact name="Fallback">{fallback ?? 'none needed'}</Fact>
        <Fact name="Keyward itself took">{overheadMs === null ? null : `${overheadMs} ms`}</Fact>
        <Fact name="First word after">{firstMs === null ? null : sayMs(firstMs)}</Fact>
        <Fact name="In all">{totalMs === null ? null : sayMs(totalMs)}</Fact>
        <Fact name="Request">{requestId === null ? null : <span className="mono">{requestId}</span>}</Fact>
      </FactList>
    </Stack>
  );
}

function sayMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
