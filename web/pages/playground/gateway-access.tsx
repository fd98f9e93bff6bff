/** The gateway token that the playground calls with: pasted, or made for it. It is kept in the memory of the view alone. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, read } from '../../api/client.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { KeyField } from '../../parts/key-field.tsx';

const hourMs = 3_600_000;

export function GatewayAccess({
  token,
  onToken,
}: {
  readonly token: string | null;
  readonly onToken: (token: string | null) => void;
}) {
  const [pasted, setPasted] = useState('');
  const [isAsking, setAsking] = useState(false);
  if (token !== null)
    return (
      <Group justify="space-between" gap="sm">
        <Text size="sm">
          Calls with the gateway token <span className="mono">{token.slice(0, 8)}…</span>, which is forgotten
          when you leave this view.
        </Text>
        <Button size="compact-sm" variant="subtle" onClick={() => onToken(null)}>
          Use another
        </Button>
      </Group>
    );
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (pasted === '') return;
        setPasted('');
        onToken(pasted);
      }}
    >
      <Stack gap="xs">
        <KeyField
          label="Gateway token"
          description="What an application presents. It is kept in memory until you leave this view, and stored nowhere."
          value={pasted}
          onChange={setPasted}
          isFirst={false}
        />
        <Group gap="xs">
          <Button type="submit" variant="default" disabled={pasted === ''}>
            Use this token
          </Button>
          <AdminOnly>
            {(isForbidden) => (
              <Button disabled={isForbidden} onClick={() => setAsking(true)}>
                Make one for an hour
              </Button>
            )}
          </AdminOnly>
        </Group>
      </Stack>
      {isAsking && <MakeToken onMade={onToken} onClose={() => setAsking(false)} />}
    </form>
  );
}

function MakeToken({
  onMade,
  onClose,
}: {
  readonly onMade: (token: string) => void;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title="Make a gateway token for an hour"
      confirm="Make the token"
      color="verdigris"
      withReason={false}
      onClose={onClose}
      act={async () => {
        const { token } = await read(
          api.POST('/api/v1/admin/tokens', {
            params: { query: { wait: 'applied' } },
            body: {
              kind: 'gateway',
              name: 'playground',
              expires_at: new Date(Date.now() + hourMs).toISOString(),
            },
          }),
        );
        void queries.invalidateQueries({ queryKey: ['audit'] });
        onMade(token);
      }}
    >
      It is named <span className="mono">playground</span>, expires in an hour, and can be revoked among the
      callers before that. This view keeps it in memory alone and forgets it when you leave. What you send
      with it is a call like any other: the provider bills it, and the usage tells it.
    </ConfirmDialog>
  );
}
