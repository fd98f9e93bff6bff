/** One provider: what serves it, how its key stands, and what can be done. */
import { ActionIcon, Menu, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { FlaskConical, RefreshCw } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useRights } from '../../api/session.tsx';
import { TextLink } from '../../parts/links.tsx';
import { AgeBar } from '../../parts/age-bar.tsx';
import { Monogram } from '../../parts/monogram.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { SaidBadge, statusOf } from '../../parts/verdict.tsx';
import { hasKey, KeyDialogs, KeyMenu, type KeyDialogName } from './key-menu.tsx';
import classes from './provider-table.module.css';
import type { Row } from './rows.ts';
import { SourceBadge } from './source-badge.tsx';
import { useKeyTest } from './use-key-test.ts';

export function ProviderRow({ provider, health }: Row) {
  const { slug, display_name: name, stored_key: stored } = provider;
  const status = statusOf(provider, health);
  return (
    <>
      <div role="cell" className={classes['provider']}>
        <Monogram slug={slug} name={name} />
        <div className={classes['name']}>
          <TextLink
            fw={600}
            size="sm"
            truncate
            to="/providers/$slug"
            params={{ slug }}
            className={classes['link']}
          >
            {name}
          </TextLink>
          <Text className="mono quiet" truncate>
            {slug}
          </Text>
        </div>
      </div>
      <Cell label="Serves">
        <SourceBadge provider={provider} />
      </Cell>
      <Cell label="Key">
        <span className="mono">{health?.mask ?? stored?.mask ?? <span className="quiet">none</span>}</span>
      </Cell>
      <Cell label="Status">
        <SaidBadge said={status} message={status.message} />
      </Cell>
      <Cell label="Last tested">
        <Text component="span" size="sm">
          <RelativeTime at={health?.last_test?.tested_at ?? stored?.last_tested_at ?? null} />
        </Text>
      </Cell>
      <Cell label="Age">
        <AgeBar health={health} />
      </Cell>
      <RowActions provider={provider} health={health} />
    </>
  );
}

function Cell({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div role="cell" className={classes['cell']}>
      <span className={classes['label']} aria-hidden>
        {label}
      </span>
      {children}
    </div>
  );
}

function RowActions({ provider }: Row) {
  const { slug, display_name: name } = provider;
  const { mayChange } = useRights();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<KeyDialogName | null>(null);
  const testing = useKeyTest(provider);
  return (
    <div role="cell" className={classes['actions']}>
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
    </div>
  );
}
