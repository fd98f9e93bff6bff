/** The name and the mark. */
import { Group, rem, Text } from '@mantine/core';

export function Brand({ size = 26 }: { readonly size?: number }) {
  return (
    <Group gap={10} wrap="nowrap" miw={0}>
      <svg style={{ width: rem(size), height: rem(size), flex: 'none' }} viewBox="0 0 32 32" aria-hidden>
        <rect width="32" height="32" rx="8" fill="#1d6f68" />
        <g fill="none" stroke="#f4f1e8" strokeWidth="2.6" strokeLinecap="round">
          <circle cx="11.5" cy="16" r="4.6" />
          <path d="M16.2 16H26M22.4 16v4.2M26 16v2.8" />
        </g>
      </svg>
      <Text component="span" fw={650} fz="lg" lh={1.2} truncate>
        Keyward
      </Text>
    </Group>
  );
}
