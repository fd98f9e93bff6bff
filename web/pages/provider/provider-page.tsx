/** A provider: which key serves it and why, how that key stands, what it was, and what can be set. */
import { Group, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { ApiError } from '../../api/client.ts';
import { providerQuery } from '../../api/provider-queries.ts';
import { healthQuery } from '../../api/queries.ts';
import type { Provider } from '../../api/views.ts';
import { AnchorLink, ButtonLink } from '../../parts/links.tsx';
import { Monogram } from '../../parts/monogram.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Failure, LoadingRows, Notice } from '../../parts/states.tsx';
import { SaidBadge, statusOf } from '../../parts/verdict.tsx';
import { providerTabs, type ProviderTab } from '../../router.tsx';
import { SourceBadge } from '../providers/source-badge.tsx';
import { AuditTab } from './audit-tab.tsx';
import { AutomationTab } from './automation-tab.tsx';
import { OverviewTab } from './overview-tab.tsx';
import { ProviderActions } from './provider-actions.tsx';
import { SettingsTab } from './settings-tab.tsx';
import { TestsTab } from './tests-tab.tsx';
import { UsageTab } from './usage-tab.tsx';
import { VersionsTab } from './versions-tab.tsx';

export function ProviderPage() {
  const { slug } = useParams({ from: '/providers/$slug' });
  const provider = useQuery(providerQuery(slug));
  if (provider.error instanceof ApiError && provider.error.code === 'provider_not_found')
    return <NoProvider slug={slug} />;
  if (provider.data !== undefined) return <Shown provider={provider.data} />;
  if (provider.isError)
    return (
      <Failure
        error={provider.error}
        what="The provider cannot be read"
        onRetry={() => void provider.refetch()}
      />
    );
  return <LoadingRows label="Reading the provider" />;
}

function NoProvider({ slug }: { readonly slug: string }) {
  return (
    <Notice
      isView
      title={`There is no provider ${slug}`}
      action={<ButtonLink to="/providers">To the provider keys</ButtonLink>}
    >
      It may have been mistyped, or it has been deleted.
    </Notice>
  );
}

const tabNames: Readonly<Record<ProviderTab, string>> = {
  overview: 'Overview',
  tests: 'Tests',
  usage: 'Usage',
  versions: 'Versions and rotations',
  audit: 'Audit',
  automation: 'Automation',
  settings: 'Settings',
};

function Shown({ provider }: { readonly provider: Provider }) {
  const { slug, display_name: name } = provider;
  const navigate = useNavigate();
  const { tab = 'overview' } = useSearch({ from: '/providers/$slug' });
  const health = useQuery(healthQuery).data?.data.find((one) => one.provider === slug);
  const status = statusOf(provider, health);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[providerTabs.indexOf(tab)]?.scrollIntoView({
      block: 'nearest',
      inline: 'nearest',
    });
  }, [tab]);
  const show = (next: string | null): void =>
    void navigate({
      to: '/providers/$slug',
      params: { slug },
      search: next === 'overview' ? {} : { tab: next as ProviderTab },
    });
  return (
    <>
      <PageHeader
        above={
          <AnchorLink to="/providers" size="sm">
            System Provider Keys
          </AnchorLink>
        }
        mark={<Monogram slug={slug} name={name} size={36} />}
        title={name}
        summary={
          <Group gap="xs">
            <span className="mono">{slug}</span>
            <SourceBadge provider={provider} />
            <SaidBadge said={status} message={status.message} />
          </Group>
        }
        actions={<ProviderActions provider={provider} />}
      />
      <Tabs value={tab} onChange={show} keepMounted={false}>
        <Tabs.List ref={list} mb="md" aria-label={`Parts of ${name}`}>
          {providerTabs.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {tabNames[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview">
          <OverviewTab provider={provider} health={health} />
        </Tabs.Panel>
        <Tabs.Panel value="tests">
          <TestsTab slug={slug} />
        </Tabs.Panel>
        <Tabs.Panel value="usage">
          <UsageTab slug={slug} />
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <VersionsTab slug={slug} />
        </Tabs.Panel>
        <Tabs.Panel value="audit">
          <AuditTab slug={slug} />
        </Tabs.Panel>
        <Tabs.Panel value="automation">
          <AutomationTab provider={provider} />
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <SettingsTab provider={provider} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
