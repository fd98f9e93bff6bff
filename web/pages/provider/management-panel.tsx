/** The credential by which Keyward makes and revokes keys at a provider, and the comparison with its ledger. */
import { Badge, Button, Group, Stack, Text, Checkbox } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import type { KeyManagement, KeySweep, Provider } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Fact, FactList } from '../../parts/fact-list.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { NotDone } from '../../parts/states.tsx';
import { ManagementDialog } from './management-dialog.tsx';

const automations: Readonly<Record<KeyManagement['automation'], readonly [word: string, meaning: string]>> = {
  full: ['Makes and revokes', 'The provider has an API for keys: Keyward can make and revoke them.'],
  revoke_only: [
    'Revokes',
    'A person makes the new key; Keyward can end the old one when a rotation is complete.',
  ],
  guided: ['By a person', 'The provider has no API for keys: a person makes and revokes them there.'],
};

export function ManagementPanel({
  provider,
  management,
}: {
  readonly provider: Provider;
  readonly management: KeyManagement;
}) {
  const { slug, display_name: name } = provider;
  const { automation, needs, credential, swept_at: sweptAt, last_sweep: lastSweep } = management;
  const refresh = useRefresh();
  const [dialog, setDialog] = useState<'set' | 'remove' | null>(null);
  const [isForced, setForced] = useState(false);
  const close = (): void => {
    setDialog(null);
    setForced(false);
  };
  const sweeping = useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/providers/{slug}/key-management/sweep', {
          params: { path: { slug } },
          body: {},
        }),
      ),
    onSuccess: refresh,
  });
  const [word, meaning] = automations[automation];
  return (
    <Panel
      title="Keys at the provider"
      description={`${meaning}${needs === null ? '' : ` It takes ${needs}.`}`}
      actions={
        automation !== 'guided' && (
          <AdminOnly>
            {(isForbidden) => (
              <Button variant="default" disabled={isForbidden} onClick={() => setDialog('set')}>
                {credential === null ? 'Set the credential' : 'Replace the credential'}
              </Button>
            )}
          </AdminOnly>
        )
      }
    >
      <FactList>
        <Fact name="By API">
          <Badge variant="light" tt="none" color={automation === 'guided' ? 'gray' : 'green'}>
            {word}
          </Badge>
        </Fact>
        <Fact name="Credential">
          {credential === null ? 'none' : <span className="mono">{credential.mask}</span>}
        </Fact>
        {credential !== null && (
          <>
            <Fact name="Stored">
              <RelativeTime at={credential.created_at} />, by {credential.created_by}
            </Fact>
            <Fact name="Compared with the ledger">
              <RelativeTime at={sweptAt} none="not yet" />
            </Fact>
          </>
        )}
      </FactList>
      {lastSweep !== null && <SweepReport sweep={lastSweep} />}
      {sweeping.isError && <NotDone error={sweeping.error} what="The keys were not compared" />}
      {credential !== null && (
        <Group gap="xs">
          <AdminOnly>
            {(isForbidden) => (
              <Button
                variant="default"
                disabled={isForbidden}
                loading={sweeping.isPending}
                onClick={() => sweeping.mutate()}
              >
                Compare now
              </Button>
            )}
          </AdminOnly>
          <AdminOnly>
            {(isForbidden) => (
              <Button variant="subtle" color="red" disabled={isForbidden} onClick={() => setDialog('remove')}>
                Remove the credential
              </Button>
            )}
          </AdminOnly>
        </Group>
      )}
      {dialog === 'set' && <ManagementDialog provider={provider} management={management} onClose={close} />}
      {dialog === 'remove' && (
        <ConfirmDialog
          title={`Remove the management credential of ${name}`}
          confirm="Remove the credential"
          nameToType={slug}
          needsReason={isForced}
          onClose={close}
          act={async (reason) => {
            await read(
              api.DELETE('/api/v1/admin/providers/{slug}/key-management', {
                params: { path: { slug } },
                body: { ...(reason !== undefined && { reason }), ...(isForced && { force: true }) },
              }),
            );
            await refresh();
          }}
        >
          Nothing changes for callers: the key that serves goes on. Keyward can then neither make nor revoke
          keys at {name}. While a key that it made may live there, this is refused.
          <Checkbox
            mt="md"
            label="All the same: I revoke there by hand what Keyward made"
            checked={isForced}
            onChange={({ currentTarget }) => setForced(currentTarget.checked)}
          />
        </ConfirmDialog>
      )}
    </Panel>
  );
}

const findings: readonly (readonly [keyof KeySweep, string])[] = [
  ['revoked', 'Revoked'],
  ['waiting', 'Waiting for their grace to be over'],
  ['missing', 'Serve here, and are not known there'],
  ['unknown', 'Not made by Keyward, left alone'],
  ['unfindable', 'Have to be looked for by a person'],
  ['failures', 'Failed'],
];

function SweepReport({ sweep }: { readonly sweep: KeySweep }) {
  const found = findings.filter(([name]) => sweep[name].length > 0);
  return (
    <Stack gap={4} role="status">
      {found.length === 0 ? (
        <Text size="sm">What lives at the provider is what the ledger says.</Text>
      ) : (
        found.map(([name, words]) => (
          <Text key={name} size="sm">
            {words}: <span className="mono">{sweep[name].join(', ')}</span>
          </Text>
        ))
      )}
    </Stack>
  );
}
