/** Who calls the gateway: applications with a token each, and users who brought a key of their own. */
import { Tabs } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { AddButton } from '../../parts/add-button.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import type { callerTabs } from '../../router.tsx';
import { NewTokenDialog } from '../administrators/new-token-dialog.tsx';
import { GatewayTokens } from './gateway-tokens.tsx';
import { UserKeys } from './user-keys.tsx';

export function CallersPage() {
  const { tab = 'tokens' } = useSearch({ from: '/callers' });
  const navigate = useNavigate();
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <PageHeader
        title="Callers"
        summary="An application presents a gateway token, and never sees a provider’s key."
        actions={
          tab === 'tokens' && <AddButton words="Make a gateway token" onClick={() => setMaking(true)} />
        }
      />
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({ to: '/callers', search: { tab: next as (typeof callerTabs)[number] } })
        }
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="tokens">Gateway tokens</Tabs.Tab>
          <Tabs.Tab value="user-keys">Keys of users</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tokens">{tab === 'tokens' && <GatewayTokens />}</Tabs.Panel>
        <Tabs.Panel value="user-keys">{tab === 'user-keys' && <UserKeys />}</Tabs.Panel>
      </Tabs>
      {isMaking && <NewTokenDialog kind="gateway" onClose={() => setMaking(false)} />}
    </>
  );
}
