/** Asks before a source is saved under which no key would serve: the server is asked what would be, nothing is guessed. */
import { Stack, Text } from '@mantine/core';
import { api, read } from '../../api/client.ts';
import type { Provider } from '../../api/views.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';

type Source = 'environment' | 'database' | 'hybrid';

/**
 * Why callers would be left without a key.
 * @returns null where one would serve, and where none serves as it is
 */
export async function whyUnserved(provider: Provider, source: Source): Promise<string | null> {
  if (!provider.is_active || provider.serves.source === null || source === provider.source) return null;
  const { serves } = await read(
    api.GET('/api/v1/admin/providers/{slug}/resolve', {
      params: { path: { slug: provider.slug }, query: { source } },
    }),
  );
  return serves.source === null ? serves.reason : null;
}

export function UnservedDialog({
  provider: { display_name: name, stored_key: stored },
  reason,
  save,
  onClose,
}: {
  readonly provider: Provider;
  readonly reason: string;
  readonly save: () => Promise<unknown>;
  readonly onClose: () => void;
}) {
  return (
    <ConfirmDialog
      title={`No key would serve ${name}`}
      confirm="Save, and let calls fail"
      withReason={false}
      act={save}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text size="sm">
          From the next call on, every call to {name} would fail with 503: {reason}.
        </Text>
        {stored !== null && (
          <Text size="sm">
            The stored key is kept, and serves again as soon as the source is database or hybrid.
          </Text>
        )}
      </Stack>
    </ConfirmDialog>
  );
}
