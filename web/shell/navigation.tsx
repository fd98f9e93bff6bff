/** The menu. */
import { Badge, NavLink, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouterState } from '@tanstack/react-router';
import { openAlertsQuery } from '../api/queries.ts';
import { places } from './places.ts';

export function Navigation() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const { data: alerts } = useQuery(openAlertsQuery);
  const open = alerts?.data.length ?? 0;
  return (
    <Stack component="nav" gap={2} aria-label="Views">
      {places.map(({ to, name, icon: Icon }) => {
        const isHere = path === to || path.startsWith(`${to}/`);
        return (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={name}
            leftSection={<Icon size={18} aria-hidden />}
            active={isHere}
            aria-current={isHere ? 'page' : undefined}
            rightSection={
              to === '/health' && open > 0 ? (
                <Badge color="red" size="sm" circle={open < 10} aria-label={`${open} open alerts`}>
                  {open}
                </Badge>
              ) : undefined
            }
            style={{ borderRadius: 'var(--mantine-radius-md)' }}
          />
        );
      })}
    </Stack>
  );
}
