/** What can be done with an alert: see to it, put it off, declare it over. Each asks for a reason. */
import { Button, Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { AlarmClock, Check, UserCheck } from 'lucide-react';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import type { Alert } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { SnoozeAlertDialog } from './snooze-alert-dialog.tsx';

type Act = 'acknowledge' | 'snooze' | 'resolve';

export function AlertActs({ alert }: { readonly alert: Alert }) {
  const queries = useQueryClient();
  const [act, setAct] = useState<Act | null>(null);
  if (alert.state === 'resolved') return null;
  const close = (): void => setAct(null);
  const changed = async (): Promise<void> => queries.invalidateQueries({ queryKey: ['alerts'] });
  const params = { path: { id: alert.id } };
  return (
    <>
      <AdminOnly>
        {(isForbidden) => (
          <Group gap="xs">
            <Button
              variant={alert.state === 'open' ? 'filled' : 'default'}
              leftSection={<UserCheck size={16} aria-hidden />}
              disabled={isForbidden || alert.state === 'acknowledged'}
              onClick={() => setAct('acknowledge')}
            >
              Acknowledge
            </Button>
            <Button
              variant="default"
              leftSection={<AlarmClock size={16} aria-hidden />}
              disabled={isForbidden}
              onClick={() => setAct('snooze')}
            >
              Snooze
            </Button>
            <Button
              variant="default"
              leftSection={<Check size={16} aria-hidden />}
              disabled={isForbidden}
              onClick={() => setAct('resolve')}
            >
              Resolve
            </Button>
          </Group>
        )}
      </AdminOnly>
      {act === 'acknowledge' && (
        <ConfirmDialog
          title="Acknowledge the alert"
          confirm="I see to it"
          color="verdigris"
          onClose={close}
          act={async (reason) => {
            await read(api.POST('/api/v1/admin/alerts/{id}/acknowledge', { params, body: bodyOf(reason) }));
            await changed();
          }}
        >
          No more reminders are sent. That it ends, becomes worse or comes back is told all the same.
        </ConfirmDialog>
      )}
      {act === 'resolve' && (
        <ConfirmDialog
          title="Declare the alert over"
          confirm="It is over"
          color="verdigris"
          onClose={close}
          act={async (reason) => {
            await read(api.POST('/api/v1/admin/alerts/{id}/resolve', { params, body: bodyOf(reason) }));
            await changed();
          }}
        >
          Alerts end by themselves when their cause is gone. Where it is still there, the next look opens this
          one again: put it off instead.
        </ConfirmDialog>
      )}
      {act === 'snooze' && <SnoozeAlertDialog alert={alert} onClose={close} onDone={changed} />}
    </>
  );
}

function bodyOf(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
