/** Tokens of one kind, and the end of each. */
import { Alert, Button, Group, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { api, read } from '../../api/client.ts';
import { sessionQuery, tokensQuery } from '../../api/queries.ts';
import { useRights } from '../../api/session.tsx';
import type { Token } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { Notice } from '../../parts/states.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';

const states = {
  good: { word: 'Good', color: 'green' },
  expired: { word: 'Expired', color: 'gray' },
  revoked: { word: 'Revoked', color: 'gray' },
} as const;

export function TokenTable({
  kind,
  tokens,
  name,
  more,
  acts,
}: {
  readonly kind: Token['kind'];
  readonly tokens: readonly Token[];
  /** What stands for its name, where that is more than the name. */
  readonly name?: (token: Token) => ReactNode;
  /** What is to be told of them besides. */
  readonly more?: readonly Column<Token>[];
  /** What can be done with a good one besides. */
  readonly acts?: (token: Token) => ReactNode;
}) {
  const { mayChange } = useRights();
  const [revoked, setRevoked] = useState<Token | null>(null);
  if (tokens.length === 0)
    return (
      <Notice title={kind === 'admin' ? 'No admin token is stored' : 'No gateway token is stored'}>
        {kind === 'admin'
          ? 'You are here with the token of the environment (KEYWARD_ADMIN_TOKEN). Make one for each person.'
          : 'Make one for each application: it can be revoked without troubling the others.'}
      </Notice>
    );
  const columns: Column<Token>[] = [
    { name: 'Name', isLong: true, isTitle: true, cell: (token) => name?.(token) ?? token.name },
    ...(kind === 'admin'
      ? [
          {
            name: 'Begins with',
            isFirm: true,
            cell: ({ prefix }: Token) => <span className="mono">{prefix}…</span>,
          },
          {
            name: 'Role',
            isFirm: true,
            cell: ({ role }: Token) => (role === 'viewer' ? 'Viewer' : 'Administrator'),
          },
        ]
      : []),
    {
      name: 'State',
      cell: ({ state, expires_at: at }) => (
        <>
          <SaidBadge said={states[state]} />
          {kind === 'gateway' && state === 'good' && at !== null && (
            <Text component="div" size="xs" className="quiet">
              expires <RelativeTime at={at} />
            </Text>
          )}
        </>
      ),
    },
    { name: 'Made', cell: ({ created_at: at }) => <RelativeTime at={at} /> },
    ...(kind === 'admin'
      ? [
          { name: 'Expires', cell: ({ expires_at: at }: Token) => <RelativeTime at={at} /> },
          { name: 'Last used', cell: ({ last_used_at: at }: Token) => <RelativeTime at={at} /> },
        ]
      : []),
    ...(more ?? []),
    {
      name: 'Actions',
      isUnnamed: true,
      isWide: acts !== undefined,
      cell: (token) =>
        token.state === 'good' ? (
          <Group gap={4}>
            {acts?.(token)}
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              disabled={!mayChange}
              onClick={() => setRevoked(token)}
              aria-label={`Revoke ${token.name}`}
            >
              Revoke
            </Button>
          </Group>
        ) : (
          '–'
        ),
    },
  ];
  return (
    <>
      <DataTable
        label={kind === 'admin' ? 'Admin tokens' : 'Gateway tokens'}
        rows={tokens}
        columns={columns}
        keyOf={({ id }) => id}
      />
      {revoked !== null && <RevokeDialog token={revoked} onClose={() => setRevoked(null)} />}
    </>
  );
}

function RevokeDialog({ token, onClose }: { readonly token: Token; readonly onClose: () => void }) {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={`Revoke ${token.name}`}
      confirm="Revoke the token"
      nameToType={token.name}
      withReason={false}
      onClose={onClose}
      act={async () => {
        await read(
          api.DELETE('/api/v1/admin/tokens/{id}', {
            params: { path: { id: String(token.id) }, query: { wait: 'applied' } },
          }),
        );
        await queries.invalidateQueries({ queryKey: ['audit'] });
      }}
    >
      {token.kind === 'admin' && <OwnOrLast token={token} />}
      {token.kind === 'admin'
        ? 'Whoever uses it is out at once, with every session that was begun with it.'
        : 'Calls with it are refused with 401 on every instance, at once. Streams that are running end by themselves.'}{' '}
      It cannot be brought back.
    </ConfirmDialog>
  );
}

/** Said before somebody locks themselves, or everybody, out. A session bears the name of the token it was begun with. */
function OwnOrLast({ token }: { readonly token: Token }) {
  const { data: own } = useQuery(sessionQuery);
  const { data: tokens = [] } = useQuery(tokensQuery);
  const isOwn =
    own?.kind === 'admin_token'
      ? own.id === String(token.id)
      : own?.session?.method === 'token' && own.name === token.name;
  const isLast =
    token.role === 'admin' &&
    !tokens.some(
      ({ id, kind, role, state }) =>
        id !== token.id && kind === 'admin' && role === 'admin' && state === 'good',
    );
  if (!isOwn && !isLast) return null;
  return (
    <Alert
      color="yellow"
      icon={<TriangleAlert aria-hidden />}
      title={isOwn ? 'You are signed in with this token' : 'It is the last administrators’ token'}
      mb="sm"
    >
      {isOwn && 'You are signed out as soon as it is revoked. '}
      {isLast && (
        <>
          No other stored token may change anything afterwards. A new one is made at the server:{' '}
          <span className="mono">npx keyward tokens create --admin NAME</span>
        </>
      )}
    </Alert>
  );
}
