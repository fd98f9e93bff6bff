/** Something to be copied: a command, or a token that is shown this once. */
import { ActionIcon, CopyButton, Group, Text, Tooltip } from '@mantine/core';
import { Check, Copy } from 'lucide-react';

export function CopyField({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="center" className="surface" py={4} px="sm" maw={640}>
      <Text
        component="code"
        className="mono"
        flex={1}
        style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
      >
        {text}
      </Text>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : 'Copy'}>
            <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={`Copy ${label}`}>
              {copied ? <Check size={16} /> : <Copy size={16} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
