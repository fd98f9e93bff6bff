/** The frame around every view: who is signed in, where one can go, and whether what is shown is live. */
import { AppShell, Burger, Group, Loader, Center } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { useLiveUpdates } from '../api/live.ts';
import { sessionQuery } from '../api/queries.ts';
import { Failure } from '../parts/states.tsx';
import { AccountMenu } from './account-menu.tsx';
import { Brand } from './brand.tsx';
import { ConnectionNotice } from './connection-notice.tsx';
import { Navigation } from './navigation.tsx';
import { Palette, PaletteButton } from './palette.tsx';

const SignInPage = lazy(async () => ({
  default: (await import('../pages/sign-in/sign-in-page.tsx')).SignInPage,
}));

export function Shell() {
  const { data: session, error, refetch, isPending } = useQuery(sessionQuery);
  if (isPending)
    return (
      <Center h="100dvh">
        <Loader aria-label="Loading" role="status" />
      </Center>
    );
  if (error !== null && session === undefined)
    return (
      <Center h="100dvh" p="md">
        <Failure error={error} what="Keyward cannot be reached" onRetry={() => void refetch()} />
      </Center>
    );
  if (session === null || session === undefined)
    return (
      <Suspense fallback={null}>
        <SignInPage />
      </Suspense>
    );
  return <Frame />;
}

function Frame() {
  useLiveUpdates();
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(close, [path, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'md', md: 'xl' }}
    >
      <a className="skip-link" href="#view">
        To the content
      </a>
      <AppShell.Header px="md" withBorder>
        <Group h="100%" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap" miw={0} style={{ overflow: 'hidden' }}>
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? 'Close the menu' : 'Open the menu'}
            />
            <Brand />
          </Group>
          <Group gap="xs" wrap="nowrap" flex="none">
            <PaletteButton />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm">
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main id="view" tabIndex={-1}>
        <ConnectionNotice />
        <Outlet />
      </AppShell.Main>
      <Palette />
    </AppShell>
  );
}
