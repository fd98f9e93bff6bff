/** What stops callers: deactivate, remove the key, delete. Each says what happens to traffic, and asks for the name. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { api, read } from '../../api/client.ts';
import { useRefresh } from '../../api/provider-queries.ts';
import type { Provider } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RemoveKeyDialog } from '../providers/remove-key-dialog.tsx';
import classes from './danger-zone.module.css';

type Act = 'activate' | 'deactivate' | 'remove' | 'delete';

export function DangerZone({ provider }: { readonly provider: Provider }) {
  const [act, setAct] = useState<Act | null>(null);
  const close = (): void => setAct(null);
  const { is_active: isActive, stored_key: stored, slug } = provider;
  return (
    <Panel title="Danger zone" description="Each of these changes what callers get, at once and everywhere.">
      <div className={classes['acts']}>
        <Row
          title={isActive ? 'Deactivate' : 'Activate'}
          act={isActive ? 'deactivate' : 'activate'}
          onAct={setAct}
          words={
            isActive
              ? `Calls to ${slug}/… fail as if the provider did not exist. Nothing is deleted.`
              : `Calls to ${slug}/… are served again, with the key that is found.`
          }
        />
        <Row
          title="Remove the key"
          act="remove"
          onAct={setAct}
          isOff={stored === null}
          words={
            stored === null
              ? 'No key is stored.'
              : 'The stored key is deleted here. It stays alive at the provider until it is revoked there.'
          }
        />
        <Row
          title="Delete the provider"
          act="delete"
          onAct={setAct}
          words="With its key, its models, and the keys that users brought along."
        />
      </div>
      {act === 'remove' && <RemoveKeyDialog provider={provider} onClose={close} />}
      {(act === 'deactivate' || act === 'activate') && (
        <ActivationDialog provider={provider} onClose={close} />
      )}
      {act === 'delete' && <DeleteDialog provider={provider} onClose={close} />}
    </Panel>
  );
}

function Row({
  title,
  words,
  act,
  onAct,
  isOff = false,
}: {
  readonly title: string;
  readonly words: ReactNode;
  readonly act: Act;
  readonly onAct: (act: Act) => void;
  readonly isOff?: boolean;
}) {
  return (
    <Group justify="space-between" gap="sm">
      <Stack gap={0} flex="1 1 14rem">
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" className="quiet">
          {words}
        </Text>
      </Stack>
      <AdminOnly>
        {(isForbidden) => (
          <Button
            variant={act === 'activate' ? 'default' : 'light'}
            color={act === 'activate' ? 'gray' : 'red'}
            disabled={isForbidden || isOff}
            onClick={() => onAct(act)}
          >
            {title}
          </Button>
        )}
      </AdminOnly>
    </Group>
  );
}

interface DialogOf {
  readonly provider: Provider;
  readonly onClose: () => void;
}

function ActivationDialog({ provider, onClose }: DialogOf) {
  const refresh = useRefresh();
  // As it was when the dialog was opened.
  const [{ slug, display_name: name, is_active: wasActive }] = useState(provider);
  const verb = wasActive ? 'Deactivate' : 'Activate';
  return (
    <ConfirmDialog
      title={`${verb} ${name}`}
      confirm={verb}
      nameToType={wasActive ? slug : undefined}
      onClose={onClose}
      act={async (reason) => {
        await read(
          api.PATCH('/api/v1/admin/providers/{slug}', {
            params: { path: { slug }, query: { wait: 'applied' } },
            body: { is_active: !wasActive, ...(reason !== undefined && { reason }) },
          }),
        );
        await refresh();
      }}
    >
      {wasActive ? (
        <>
          From the next call on, every call to <span className="mono">{slug}/…</span> fails: for callers the
          provider does not exist. Calls that are under way end as they began. Its key and its settings stay.
        </>
      ) : (
        <>
          From the next call on, calls to <span className="mono">{slug}/…</span> go to {name} again.
        </>
      )}
    </ConfirmDialog>
  );
}

function DeleteDialog({ provider: { slug, display_name: name }, onClose }: DialogOf) {
  const refresh = useRefresh();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={`Delete ${name}`}
      confirm="Delete the provider"
      nameToType={slug}
      onClose={onClose}
      act={async (reason) => {
        await read(
          api.DELETE('/api/v1/admin/providers/{slug}', {
            params: { path: { slug }, query: { wait: 'applied', force: true } },
            body: reason === undefined ? {} : { reason },
          }),
        );
        await navigate({ to: '/providers' });
        await refresh();
      }}
    >
      The provider goes, with its stored key, its models and the keys that users brought along, and cannot be
      brought back. From the next call on, every call to <span className="mono">{slug}/…</span> fails: for
      callers it does not exist. Its audit trail stays.
    </ConfirmDialog>
  );
}
