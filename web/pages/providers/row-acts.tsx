/** What can be done with the key of a provider in its row. */
import { ActionIcon, Group, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { FlaskConical, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useRights } from '../../api/session.tsx';
import type { Provider } from '../../api/views.ts';
import { hasKey, KeyDialogs, KeyMenu, type KeyDialogName } from './key-menu.tsx';
import classes from './row-acts.module.css';
import { useKeyTest } from './use-key-test.ts';

export function RowActs({ provider }: { readonly provider: Provider }) {
  const { slug, display_name: name } = provider;
  const { mayChange } = useRights();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<KeyDialogName | null>(null);
  const testing = useKeyTest(provider);
  return (
    <Group gap={4} wrap="nowrap" className={classes['acts']}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={`Test the key of ${name}`}
        disabled={!mayChange || !hasKey(provider)}
        loading={testing.isPending}
        onClick={() => testing.mutate()}
      >
        <FlaskConical size={18} />
      </ActionIcon>
      <KeyMenu
        provider={provider}
        sign={{ variant: 'subtle', color: 'gray', size: 'lg' }}
        replace="Replace the key"
        onChoose={setDialog}
      >
        <Menu.Item
          leftSection={<RefreshCw size={16} aria-hidden />}
          disabled={!mayChange || !hasKey(provider)}
          onClick={() => void navigate({ to: '/providers/$slug/rotations/new', params: { slug } })}
        >
          Rotate the key
        </Menu.Item>
      </KeyMenu>
      <KeyDialogs provider={provider} open={dialog} onClose={() => setDialog(null)} />
    </Group>
  );
}
