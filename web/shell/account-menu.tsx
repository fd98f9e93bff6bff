/** Who is signed in, light or dark, and the way out. */
import {
  Avatar,
  Menu,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  type MantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { BookOpen, Check, LogOut, Monitor, Moon, Sun, UserRound } from 'lucide-react';
import { sessionQuery } from '../api/queries.ts';
import { useSignOut } from '../api/session.tsx';

const schemes: readonly { value: MantineColorScheme; name: string; icon: typeof Sun }[] = [
  { value: 'light', name: 'Light', icon: Sun },
  { value: 'dark', name: 'Dark', icon: Moon },
  { value: 'auto', name: 'As the system', icon: Monitor },
];

export function AccountMenu() {
  const { data: session } = useQuery(sessionQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useSignOut();
  const name = session?.name ?? '';
  const leave = (): void => {
    signOut().catch((error: Error) =>
      notifications.show({ color: 'red', title: 'You are still signed in', message: error.message }),
    );
  };
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton aria-label={`Account: ${name}`}>
          <Avatar radius="xl" size={32} alt="" variant="filled" color="verdigris">
            <UserRound size={18} aria-hidden />
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} truncate>
            {name}
          </Text>
          <Text size="xs" className="quiet">
            {session?.role === 'admin' ? 'Administrator' : 'Viewer: may look, not change'}
          </Text>
        </Menu.Label>
        <Menu.Divider />
        {schemes.map(({ value, name: label, icon: Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={16} aria-hidden />}
            rightSection={colorScheme === value ? <Check size={16} aria-label="chosen" /> : undefined}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component="a" href="/api/docs" leftSection={<BookOpen size={16} aria-hidden />}>
          The admin API
        </Menu.Item>
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={leave}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
