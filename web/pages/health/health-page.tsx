/** Health and alerts: how the keys stand, what needs somebody, who is told, and how old keys may grow. */
import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { healthQuery, openAlertsQuery, providersQuery } from '../../api/queries.ts';
import { doesNotServe } from '../../parts/does-not-serve.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { countsOf } from './words.ts';
import classes from './health.module.css';

const tabs = [
  { to: '/health', name: 'Now' },
  { to: '/health/alerts', name: 'Alerts' },
  { to: '/health/tests', name: 'Daily tests' },
  { to: '/health/dates', name: 'Ages and dates' },
  { to: '/health/channels', name: 'Channels' },
  { to: '/health/policies', name: 'Policies' },
] as const;

export function HealthPage() {
  const navigate = useNavigate();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const here = tabs.findLast(({ to }) => path === to || path.startsWith(`${to}/`)) ?? tabs[0];
  return (
    <>
      <PageHeader title="Health and alerts" summary={<Summary />} />
      <Tabs
        value={here.to}
        onChange={(to) => void navigate({ to: tabs.find((tab) => tab.to === to)?.to ?? '/health' })}
        activateTabWithKeyboard={false}
        keepMounted={false}
      >
        <Tabs.List className={classes['tabs']} aria-label="Health and alerts">
          {tabs.map(({ to, name }) => (
            <Tabs.Tab key={to} value={to} ref={to === here.to ? reveal : undefined}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={here.to} pt="lg">
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** Where there is not room for all tabs, the one that an address names is seen all the same. */
function reveal(tab: HTMLElement | null): void {
  tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function Summary() {
  const { data: health } = useQuery(healthQuery);
  const { data: alerts } = useQuery(openAlertsQuery);
  const { data: providers = [] } = useQuery(providersQuery);
  if (health === undefined) return 'How the keys stand, and who is told.';
  const open = alerts?.data.length ?? 0;
  const more = alerts?.has_more === true ? 'more than ' : '';
  return [
    countsOf(health.counts, providers.filter(doesNotServe).length),
    open === 0 ? 'no open alert' : `${more}${open} open ${open === 1 ? 'alert' : 'alerts'}`,
  ].join(' · ');
}
