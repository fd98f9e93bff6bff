/** Stages a new key beside the stored one, or has the provider make it. It serves nobody until a later step says so. */
import { Alert, Button, Group, NumberInput, Radio, Stack, Switch, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Info } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { rotationQuery, useRefresh } from '../../api/provider-queries.ts';
import { useRights } from '../../api/session.tsx';
import type { KeyManagement, Provider } from '../../api/views.ts';
import { AdminOnly, ReadOnlyNote } from '../../parts/admin-only.tsx';
import { KeyField } from '../../parts/key-field.tsx';
import { Panel } from '../../parts/panel.tsx';
import { NotDone } from '../../parts/states.tsx';

interface Plan {
  readonly isMinted: boolean;
  readonly percent: number | string;
  readonly soakHours: number | string;
  readonly isAutomatic: boolean;
  readonly reason: string;
}

export function NewRotationForm({
  provider,
  management,
}: {
  readonly provider: Provider;
  readonly management: KeyManagement;
}) {
  const { display_name: name } = provider;
  const { mayChange } = useRights();
  const canMint = management.automation === 'full' && management.credential !== null;
  const [key, setKey] = useState('');
  const [plan, setPlan] = useState<Plan>({
    isMinted: canMint,
    percent: 5,
    soakHours: 24,
    isAutomatic: false,
    reason: '',
  });
  const change = (part: Partial<Plan>): void => setPlan({ ...plan, ...part });
  const starting = useStarting(provider, () => setKey(''));
  const { isMinted } = plan;
  const refusal =
    starting.error instanceof ApiError && starting.error.code === 'key_refused'
      ? starting.error.message
      : undefined;
  const isReady = (isMinted || key !== '') && Number(plan.percent) > 0 && plan.soakHours !== '';
  return (
    <form
      autoComplete="off"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (isReady) starting.mutate({ plan, key: isMinted ? null : key });
      }}
    >
      <Panel title="The new key" description="It serves nobody yet: the stored key goes on, for all calls.">
        <Stack gap="md" maw={560}>
          <ReadOnlyNote />
          <Radio.Group
            label="Where it comes from"
            value={isMinted ? 'minted' : 'entered'}
            onChange={(value) => change({ isMinted: value === 'minted' })}
          >
            <Stack gap="xs" mt={6}>
              <Radio value="entered" label={`I made it at ${name}, and enter it`} disabled={!mayChange} />
              <Radio
                value="minted"
                label={`${name} makes it for Keyward`}
                description={mintingWords(management)}
                disabled={!mayChange || !canMint}
              />
            </Stack>
          </Radio.Group>
          {!isMinted && mayChange && (
            <KeyField
              label="New key"
              description="It is stored encrypted, beside the one that serves, and never shown again."
              value={key}
              onChange={setKey}
              error={refusal}
            />
          )}
          <Group gap="sm" align="flex-start">
            <NumberInput
              label="Canary"
              description="Share of the calls on which it is tried."
              suffix=" percent"
              min={0.01}
              max={100}
              decimalScale={2}
              flex="1 1 12rem"
              disabled={!mayChange}
              value={plan.percent}
              onChange={(percent) => change({ percent })}
            />
            <NumberInput
              label="Soak"
              description="How long the old key stays as the fallback."
              suffix=" hours"
              min={0}
              max={8_760}
              decimalScale={2}
              flex="1 1 12rem"
              disabled={!mayChange}
              value={plan.soakHours}
              onChange={(soakHours) => change({ soakHours })}
            />
          </Group>
          <Switch
            label="Keyward takes the further steps by itself"
            description="Behind the same proofs: it promotes after ten minutes of canary and twenty answered calls."
            disabled={!mayChange}
            checked={plan.isAutomatic}
            onChange={({ currentTarget }) => change({ isAutomatic: currentTarget.checked })}
          />
          <TextInput
            label="Reason"
            description="For the audit trail; may stay empty."
            maxLength={500}
            disabled={!mayChange}
            value={plan.reason}
            onChange={({ currentTarget }) => change({ reason: currentTarget.value })}
          />
          {provider.stored_key === null && provider.serves.source === null && (
            <Alert color="gray" icon={<Info aria-hidden />}>
              No key serves {name} now: there will be nothing to go back to.
            </Alert>
          )}
          {starting.isError && refusal === undefined && (
            <NotDone error={starting.error} what="The rotation was not begun" />
          )}
          <Group>
            <AdminOnly>
              {(isForbidden) => (
                <Button type="submit" loading={starting.isPending} disabled={isForbidden || !isReady}>
                  {isMinted ? `Let ${name} make the key` : 'Stage the key'}
                </Button>
              )}
            </AdminOnly>
          </Group>
        </Stack>
      </Panel>
    </form>
  );
}

function useStarting({ slug, display_name: name }: Provider, onStarted: () => void) {
  const queries = useQueryClient();
  const refresh = useRefresh();
  const navigate = useNavigate();
  const goTo = async (id: string): Promise<void> =>
    navigate({ to: '/providers/$slug/rotations/$id', params: { slug, id }, replace: true });
  return useMutation({
    mutationFn: async ({ plan, key }: { readonly plan: Plan; readonly key: string | null }) =>
      read(
        api.POST('/api/v1/admin/providers/{slug}/rotations', {
          params: { path: { slug } },
          body: {
            ...(key === null ? { mint: true } : { api_key: key }),
            automatic: plan.isAutomatic,
            canary_percent: Number(plan.percent),
            soak_seconds: Math.round(Number(plan.soakHours) * 3_600),
            ...(plan.reason.trim() !== '' && { reason: plan.reason.trim() }),
          },
        }),
      ),
    onSuccess: async ({ rotation, warnings }) => {
      onStarted();
      for (const warning of warnings)
        notifications.show({ color: 'yellow', title: `The key of ${name}`, message: warning });
      queries.setQueryData(rotationQuery(slug, rotation.id).queryKey, rotation);
      await goTo(rotation.id);
      await refresh();
    },
    // Whoever was quicker is followed; a key that is being made has its own place too.
    onError: refresh,
    // What was sent is not kept for a second try by the library.
    gcTime: 0,
  });
}

function mintingWords({ automation, credential, needs }: KeyManagement): string {
  if (automation !== 'full') return 'The provider has no API by which Keyward could have a key made.';
  if (credential !== null) return 'And revokes the old one, when the rotation is complete.';
  return `Takes ${needs ?? 'a management credential'}: store it under Automation.`;
}
