/** The daily tests of the last weeks: a provider a row, a day a column; run now by whoever may. */
import { Alert, Button, Group, SegmentedControl, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { CircleAlert, Play } from 'lucide-react';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import { dailyTestsQuery, systemQuery } from '../../api/queries.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { TestCalendar } from './test-calendar.tsx';
import { counted, dayBefore } from './words.ts';

const spans = [14, 30, 90] as const;

export function TestsTab() {
  const navigate = useNavigate();
  const { days = 30 } = useSearch({ from: '/health/tests' });
  const since = dayBefore(days - 1);
  const { data, error, isPending, refetch } = useQuery(dailyTestsQuery(since));
  const isOff = useAreOff();
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <SegmentedControl
          aria-label="How many days"
          value={String(days)}
          data={spans.map((span) => ({ value: String(span), label: `${span} days` }))}
          onChange={(value) => {
            const chosen = spans.find((span) => String(span) === value);
            void navigate({
              to: '/health/tests',
              search: chosen === undefined || chosen === 30 ? {} : { days: chosen },
              replace: true,
            });
          }}
        />
        <RunNow />
      </Group>
      {isOff && (
        <Alert color="yellow" icon={<CircleAlert aria-hidden />} title="Daily tests are switched off" mb="md">
          <Text size="sm">
            <span className="mono">HEALTH_TEST_WINDOW</span> is <span className="mono">off</span>: no key is
            tested by itself. Set a window, such as <span className="mono">02:00-05:00</span>, and start
            Keyward again.
          </Text>
        </Alert>
      )}
      {isPending ? (
        <LoadingRows label="Reading the daily tests" />
      ) : data === undefined ? (
        <Failure error={error} what="The daily tests cannot be read" onRetry={() => void refetch()} />
      ) : data.data.length === 0 ? (
        <Notice title="No daily test yet">
          {isOff
            ? 'None will be here as long as they are switched off, but those that somebody runs.'
            : 'Every key that serves is tested once a day, at a time of its own. The first ones appear here when their day has begun.'}
        </Notice>
      ) : (
        <TestCalendar key={days} tests={data.data} days={days} />
      )}
      <Text size="sm" className="quiet" mt="sm">
        Days are those of UTC. A test spends tokens only where a policy asks for a chat.
      </Text>
    </>
  );
}

/** As the instance that answers was configured. */
function useAreOff(): boolean {
  const { data } = useQuery(systemQuery);
  return data?.settings.find(({ name }) => name === 'HEALTH_TEST_WINDOW')?.value === 'off';
}

function RunNow() {
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const running = useMutation({
    mutationFn: async (reason: string | undefined) =>
      read(api.POST('/api/v1/admin/health/tests/run', { body: reason === undefined ? {} : { reason } })),
    onSuccess: ({ data }) => {
      notifications.show({
        color: 'green',
        title: `${counted(data.length, 'key')} will be tested now`,
        message: 'What comes of it appears here by itself.',
      });
      void queries.invalidateQueries({ queryKey: ['health'] });
    },
  });
  return (
    <>
      <AdminOnly>
        {(isForbidden) => (
          <Button
            leftSection={<Play size={16} aria-hidden />}
            disabled={isForbidden}
            onClick={() => setAsking(true)}
          >
            Run them now
          </Button>
        )}
      </AdminOnly>
      {isAsking && (
        <ConfirmDialog
          title="Run the daily tests now"
          confirm="Run them now"
          color="verdigris"
          onClose={() => setAsking(false)}
          act={async (reason) => running.mutateAsync(reason)}
        >
          Every key that serves is tested, those that were tested today too. It spends tokens only where a
          policy asks for a chat, and calls go on as they do.
        </ConfirmDialog>
      )}
    </>
  );
}
