/** Who may get in here: admin tokens, and the sessions of people. */
import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { signInMethodsQuery, tokensQuery } from '../../api/queries.ts';
import { AddButton } from '../../parts/add-button.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import type { administratorTabs } from '../../router.tsx';
import { NewTokenDialog } from './new-token-dialog.tsx';
import { SessionTable } from './session-table.tsx';
import { TokenTable } from './token-table.tsx';

export function AdministratorsPage() {
  const { tab = 'tokens' } = useSearch({ from: '/administrators' });
  const navigate = useNavigate();
  const tokens = useQuery(tokensQuery);
  const { data: ways } = useQuery(signInMethodsQuery);
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <PageHeader
        title="Administrators"
        summary={
          ways?.methods.includes('oidc') === true
            ? 'People sign in with an admin token or by single sign-on.'
            : 'People sign in with an admin token; single sign-on is not configured (OIDC_ISSUER).'
        }
        actions={
          tab !== 'sessions' && <AddButton words="Make an admin token" onClick={() => setMaking(true)} />
        }
      />
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({
            to: '/administrators',
            search: { tab: next as (typeof administratorTabs)[number] },
          })
        }
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="tokens">Admin tokens</Tabs.Tab>
          <Tabs.Tab value="sessions">Sessions</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tokens">
          <QueryView query={tokens} what="The tokens">
            {(all) => <TokenTable kind="admin" tokens={all.filter((one) => one.kind === 'admin')} />}
          </QueryView>
        </Tabs.Panel>
        <Tabs.Panel value="sessions">{tab === 'sessions' && <SessionTable />}</Tabs.Panel>
      </Tabs>
      {isMaking && <NewTokenDialog kind="admin" onClose={() => setMaking(false)} />}
    </>
  );
}
