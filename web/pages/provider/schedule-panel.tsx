/** When the key is rotated without being asked; times of day are UTC, as the server reckons them. */
import { Alert, Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { CircleAlert } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import { useRights } from '../../api/session.tsx';
import type { KeyManagement, RotationSchedule } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { NotDone } from '../../parts/states.tsx';
import { minutesOf, timeOfDay } from '../../parts/time-of-day.ts';
import { SaveButton } from '../../parts/save-button.tsx';

interface Draft {
  readonly everyDays: number | string;
  readonly beforeExpiryDays: number | string;
  readonly jitterMinutes: number | string;
  /** As a clock shows it; empty: any time. */
  readonly from: string;
  readonly to: string;
}

export function SchedulePanel({
  slug,
  schedule,
  management,
}: {
  readonly slug: string;
  readonly schedule: RotationSchedule | null;
  readonly management: KeyManagement;
}) {
  const refresh = useRefresh();
  const removing = useMutation({
    mutationFn: async () =>
      read(
        api.DELETE('/api/v1/admin/providers/{slug}/rotation-schedule', {
          params: { path: { slug } },
          body: {},
        }),
      ),
    onSuccess: refresh,
  });
  const isAble = management.automation === 'full' && management.credential !== null;
  return (
    <Panel
      title="Rotation by the clock"
      description="The same steps behind the same proofs, without being asked. After one failure it stops and says why."
      actions={
        schedule !== null && (
          <AdminOnly>
            {(isForbidden) => (
              <Button
                variant="subtle"
                color="red"
                disabled={isForbidden}
                loading={removing.isPending}
                onClick={() => removing.mutate()}
              >
                Rotate only when asked
              </Button>
            )}
          </AdminOnly>
        )
      }
    >
      {schedule?.stopped_because != null && (
        <Alert color="red" icon={<CircleAlert aria-hidden />} title="The schedule has stopped">
          {schedule.stopped_because} Save it again to go on.
        </Alert>
      )}
      {schedule !== null && schedule.stopped_because === null && (
        <Text size="sm">
          The next one: <RelativeTime at={schedule.next_at} none="not reckoned yet" />. Set by{' '}
          {schedule.changed_by}, <RelativeTime at={schedule.changed_at} />.
        </Text>
      )}
      {!isAble && (
        <Text size="sm" className="quiet">
          {management.automation === 'full'
            ? 'Store the management credential first: the provider makes the new keys.'
            : 'The provider does not make keys by API, so a person has to begin each rotation.'}
        </Text>
      )}
      {removing.isError && <NotDone error={removing.error} what="The schedule was not removed" />}
      {isAble && <ScheduleForm slug={slug} schedule={schedule} />}
    </Panel>
  );
}

function ScheduleForm({
  slug,
  schedule,
}: {
  readonly slug: string;
  readonly schedule: RotationSchedule | null;
}) {
  const { mayChange } = useRights();
  const refresh = useRefresh();
  const [draft, setDraft] = useState<Draft>({
    everyDays: schedule === null ? 90 : (schedule.every_days ?? ''),
    beforeExpiryDays: schedule?.before_expiry_days ?? '',
    jitterMinutes: schedule?.jitter_minutes ?? 60,
    from: schedule?.window == null ? '' : timeOfDay(schedule.window.from),
    to: schedule?.window == null ? '' : timeOfDay(schedule.window.to),
  });
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  // Both or none: half a window is none.
  const [from, to] = [minutesOf(draft.from), minutesOf(draft.to)];
  const saving = useMutation({
    mutationFn: async () =>
      read(
        api.PUT('/api/v1/admin/providers/{slug}/rotation-schedule', {
          params: { path: { slug } },
          body: {
            every_days: numberOrNull(draft.everyDays),
            before_expiry_days: numberOrNull(draft.beforeExpiryDays),
            jitter_minutes: numberOrNull(draft.jitterMinutes) ?? 0,
            window: from === null || to === null ? null : { from, to },
          },
        }),
      ),
    onSuccess: () => {
      notifications.show({ color: 'green', title: 'Saved', message: 'The key is rotated by the clock.' });
      void refresh();
    },
  });
  const number = (
    label: string,
    description: string,
    field: 'everyDays' | 'beforeExpiryDays' | 'jitterMinutes',
    suffix: string,
  ) => (
    <NumberInput
      label={label}
      description={description}
      suffix={suffix}
      min={field === 'jitterMinutes' ? 0 : 1}
      allowDecimal={false}
      disabled={!mayChange}
      flex="1 1 11rem"
      value={draft[field]}
      onChange={(value) => change({ [field]: value })}
    />
  );
  const time = (label: string, field: 'from' | 'to') => (
    <TextInput
      type="time"
      label={label}
      disabled={!mayChange}
      flex="1 1 11rem"
      value={draft[field]}
      onChange={({ currentTarget }) => change({ [field]: currentTarget.value })}
    />
  );
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack gap="sm" maw={560}>
        <Group gap="sm" align="flex-end">
          {number('Every', 'Empty: not by age.', 'everyDays', ' days')}
          {number('Before it ends', 'Empty: not by its end.', 'beforeExpiryDays', ' days')}
        </Group>
        <Group gap="sm" align="flex-end">
          {time('Not before (UTC)', 'from')}
          {time('Not after (UTC)', 'to')}
        </Group>
        <Group gap="sm">
          {number('Spread over', 'So that many keys are not rotated at once.', 'jitterMinutes', ' minutes')}
        </Group>
        {saving.isError && <NotDone error={saving.error} what="The schedule was not saved" />}
        <Group>
          <SaveButton words="Save the schedule" isSaving={saving.isPending} />
        </Group>
      </Stack>
    </form>
  );
}

function numberOrNull(value: number | string): number | null {
  return value === '' ? null : Number(value);
}
