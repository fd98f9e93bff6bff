/** Who is signed in now; each session can be ended. */
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import { sessionQuery, sessionsQuery } from '../../api/queries.ts';
import { useRights } from '../../api/session.tsx';
import type { ListedSession } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';

export function SessionTable() {
  const sessions = useQuery(sessionsQuery);
  const { data: own } = useQuery(sessionQuery);
  const { mayChange } = useRights();
  const queries = useQueryClient();
  const [ended, setEnded] = useState<ListedSession | null>(null);
  return (
    <QueryView query={sessions} what="The sessions">
      {({ data }) => (
        <>
          <DataTable
            label="Sessions"
            rows={data}
            keyOf={({ id }) => id}
            columns={[
              {
                name: 'Who',
                isLong: true,
                isTitle: true,
                cell: ({ id, name }) => (id === own?.id ? `${name} (you, here)` : name),
              },
              {
                name: 'Role',
                isFirm: true,
                cell: ({ role }) => (role === 'viewer' ? 'Viewer' : 'Administrator'),
              },
              { name: 'By', cell: ({ method }) => (method === 'oidc' ? 'Single sign-on' : 'Token') },
              {
                name: 'From',
                isLong: true,
                cell: ({ address }) => <span className="mono">{address ?? 'unknown'}</span>,
              },
              { name: 'Begun', cell: ({ started_at: at }) => <RelativeTime at={at} /> },
              { name: 'Last seen', cell: ({ last_seen_at: at }) => <RelativeTime at={at} /> },
              {
                name: 'Actions',
                isUnnamed: true,
                cell: (session) => (
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="red"
                    disabled={!mayChange}
                    aria-label={`End the session of ${session.name}`}
                    onClick={() => setEnded(session)}
                  >
                    End
                  </Button>
                ),
              },
            ]}
          />
          {ended !== null && (
            <ConfirmDialog
              title={`End the session of ${ended.name}`}
              confirm="End the session"
              withReason={false}
              onClose={() => setEnded(null)}
              act={async () => {
                await read(api.DELETE('/api/v1/admin/sessions/{id}', { params: { path: { id: ended.id } } }));
                await queries.invalidateQueries({ queryKey: ['audit'] });
                await queries.invalidateQueries({ queryKey: sessionQuery.queryKey, exact: true });
              }}
            >
              Whoever works in it has to sign in again. What they have begun goes on.
            </ConfirmDialog>
          )}
        </>
      )}
    </QueryView>
  );
}
