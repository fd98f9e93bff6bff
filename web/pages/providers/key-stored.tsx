/** What storing a key has come to: its mask, the verdict, and which instances serve it. */
import { Alert, Group, Stack, Text } from '@mantine/core';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { SetKeyAnswer } from '../../api/views.ts';
import { VerdictBadge } from '../../parts/verdict.tsx';

export function KeyStored({ answer }: { readonly answer: SetKeyAnswer }) {
  const { applied, verdict, message, mask, warnings } = answer;
  const behind = applied?.behind.length ?? 0;
  return (
    <Stack gap="md">
      <Alert color="green" icon={<CircleCheck aria-hidden />} title="The key is stored" role="status">
        <Stack gap={6}>
          <Group gap="xs">
            <span className="mono">{mask}</span>
            {verdict !== null && <VerdictBadge verdict={verdict} />}
          </Group>
          <Text size="sm">{message}</Text>
          {applied !== null && (
            <Text size="sm">
              {behind === 0
                ? `It serves on ${applied.live === 1 ? 'the one running instance' : `all ${applied.live} instances`}.`
                : `${behind} of ${applied.live} instances have not taken it up yet; they do so by themselves.`}
            </Text>
          )}
        </Stack>
      </Alert>
      {warnings.map((warning) => (
        <Alert key={warning} color="yellow" icon={<TriangleAlert aria-hidden />}>
          {warning}
        </Alert>
      ))}
    </Stack>
  );
}
