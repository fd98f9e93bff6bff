/** Brings every row under the active key, and shows how far it is. */
import { Alert, Button, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { api, read } from '../../api/client.ts';
import { encryptionKeysQuery } from '../../api/queries.ts';
import type { EncryptionKeys } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { NotDone } from '../../parts/states.tsx';
import { count } from '../../parts/count.ts';

type Run = NonNullable<EncryptionKeys['reencryption']>;

export function Reencryption({ ring }: { readonly ring: EncryptionKeys }) {
  const queries = useQueryClient();
  const behind = ring.keys.filter(({ role }) => role !== 'encrypts').reduce((sum, { rows }) => sum + rows, 0);
  const began = useMutation({
    mutationFn: async () => read(api.POST('/api/v1/admin/encryption-keys/reencrypt', { body: {} })),
    onSuccess: (run) => queries.setQueryData(encryptionKeysQuery.queryKey, { ...ring, reencryption: run }),
  });
  const run = useRun(ring.reencryption);
  return (
    <Stack gap="xs" component="section" aria-label="Re-encryption">
      <Title order={2}>Re-encryption</Title>
      {run !== null && <RunView run={run} />}
      {began.isError && <NotDone error={began.error} what="It was not begun" />}
      {behind === 0 ? (
        <Text size="sm" className="quiet">
          Every row is under the active key.
        </Text>
      ) : (
        run?.ended_at !== null || (
          <Text size="sm" className="quiet">
            Callers are served all the while.
          </Text>
        )
      )}
      {behind > 0 && (run === null || run.ended_at !== null) && (
        <Group>
          <AdminOnly>
            {(isForbidden) => (
              <Button loading={began.isPending} disabled={isForbidden} onClick={() => began.mutate()}>
                Re-encrypt {count.format(behind)} {behind === 1 ? 'row' : 'rows'}
              </Button>
            )}
          </AdminOnly>
        </Group>
      )}
    </Stack>
  );
}

/** Asks each second while it goes on; the ring is read again when it ends. */
function useRun(known: Run | null): Run | null {
  const queries = useQueryClient();
  const isGoing = known !== null && known.ended_at === null;
  const { data } = useQuery({
    queryKey: ['system', 'reencryption'],
    queryFn: async () => read(api.GET('/api/v1/admin/encryption-keys/reencryption')),
    enabled: isGoing,
    refetchInterval: ({ state }) => (state.data?.ended_at == null ? 1_000 : false),
  });
  const run = isGoing && data?.started_at === known.started_at ? data : known;
  const hasEnded = isGoing && run?.ended_at != null;
  useEffect(() => {
    if (hasEnded) void queries.invalidateQueries({ queryKey: encryptionKeysQuery.queryKey });
  }, [hasEnded, queries]);
  return run;
}

function RunView({ run }: { readonly run: Run }) {
  const share = run.rows === 0 ? 100 : Math.min(100, (run.reencrypted / run.rows) * 100);
  if (run.ended_at === null)
    return (
      <Stack gap={6}>
        <Progress value={share} aria-label="Rows encrypted anew" />
        <Text size="sm" role="status">
          {count.format(run.reencrypted)} of {count.format(run.rows)} rows
        </Text>
      </Stack>
    );
  if (run.problem !== null)
    return (
      <Alert color="red" title="The last run broke off">
        {run.problem}
      </Alert>
    );
  return (
    <Alert color="green" title={`${count.format(run.reencrypted)} rows were encrypted anew`} role="status">
      {run.set_aside > 0
        ? `${count.format(run.set_aside)} rows were left as they are: no key of the ring opens them.`
        : 'A key under which nothing stands may be taken out of the ring.'}
    </Alert>
  );
}
