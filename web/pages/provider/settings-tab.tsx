/** What can be set of a provider: its settings, how old its key may grow, and what cannot be taken back. */
import { Stack } from '@mantine/core';
import type { Provider } from '../../api/views.ts';
import { ReadOnlyNote } from '../../parts/admin-only.tsx';
import { DangerZone } from './danger-zone.tsx';
import { KeyPolicyPanel } from './key-policy-panel.tsx';
import { SettingsForm } from './settings-form.tsx';

export function SettingsTab({ provider }: { readonly provider: Provider }) {
  return (
    <Stack gap="md">
      <ReadOnlyNote />
      <SettingsForm provider={provider} />
      <KeyPolicyPanel slug={provider.slug} />
      <DangerZone provider={provider} />
    </Stack>
  );
}
