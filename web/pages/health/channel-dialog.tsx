/** Adds a channel or changes one. What is secret in its settings goes in, and is never shown again. */
import { Button, Divider, Group, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import type { AlertChannel } from '../../api/views.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { NotDone } from '../../parts/states.tsx';
import { fieldsIn, formOf, settingsIn, type ChannelForm } from './channel-form.ts';
import { ChannelRules } from './channel-rules.tsx';
import { ChannelSettingsFields } from './channel-settings-fields.tsx';
import { kindWords, placeOf } from './channel-words.ts';

export function ChannelDialog({
  channel,
  onClose,
}: {
  /** Null: a new one. */
  readonly channel: AlertChannel | null;
  readonly onClose: () => void;
}) {
  // As it was when the dialog was opened: what is stored may change behind it, and is then not overwritten.
  const [before] = useState(channel);
  const [form, setForm] = useState(() => formOf(channel));
  const [isReplacing, setReplacing] = useState(channel === null || channel.settings === null);
  const [reason, setReason] = useState('');
  const change = (part: Partial<ChannelForm>): void => setForm((now) => ({ ...now, ...part }));
  const saving = useSave(before, onClose);
  const faultOf = (field: string): string | undefined =>
    saving.error instanceof ApiError && saving.error.param === field ? saving.error.message : undefined;
  const isTold =
    saving.error instanceof ApiError &&
    (saving.error.param === 'name' || saving.error.param?.startsWith('settings.') === true);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    saving.mutate({ form, isReplacing, reason: reason.trim() });
  };
  return (
    <Dialog onClose={onClose} title={before === null ? 'Add a channel' : `Change ${before.name}`} size="lg">
      <form onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <TextInput
            label="Name"
            data-autofocus
            required
            withAsterisk={false}
            maxLength={100}
            value={form.name}
            error={faultOf('name')}
            onChange={({ currentTarget }) => change({ name: currentTarget.value })}
          />
          {before === null && (
            <Select
              label="Kind"
              allowDeselect={false}
              data={Object.entries(kindWords).map(([value, label]) => ({ value, label }))}
              value={form.kind}
              onChange={(kind) => kind !== null && change({ kind: kind as ChannelForm['kind'] })}
            />
          )}
          {form.kind !== 'log' &&
            (isReplacing ? (
              <ChannelSettingsFields
                kind={form.kind}
                settings={form.settings}
                faultOf={faultOf}
                onChange={(part) => setForm((now) => ({ ...now, settings: { ...now.settings, ...part } }))}
              />
            ) : (
              <Group justify="space-between" wrap="nowrap">
                <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                  Leads to <span className="mono">{before === null ? '' : placeOf(before)}</span>
                </Text>
                <Button
                  variant="default"
                  size="xs"
                  onClick={() => setReplacing(true)}
                  style={{ flex: 'none' }}
                >
                  Replace the settings
                </Button>
              </Group>
            ))}
          <Divider mt="xs" />
          <ChannelRules form={form} onChange={change} />
          <Divider mt="xs" />
          <Switch
            label="Send alerts there"
            checked={form.isActive}
            onChange={({ currentTarget }) => change({ isActive: currentTarget.checked })}
          />
          <TextInput
            label="Reason"
            description="For the audit trail; may stay empty."
            value={reason}
            maxLength={500}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
          {saving.isError && !isTold && <NotDone error={saving.error} what="Nothing was changed" />}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={saving.isPending} disabled={form.name.trim() === ''}>
              {before === null ? 'Add' : 'Save'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

interface Saved {
  readonly form: ChannelForm;
  readonly isReplacing: boolean;
  readonly reason: string;
}

function useSave(channel: AlertChannel | null, onClose: () => void) {
  const queries = useQueryClient();
  const saving = useMutation({
    mutationFn: async ({ form, isReplacing, reason }: Saved) => {
      const body = {
        ...fieldsIn(form),
        ...(isReplacing && form.kind !== 'log' && { settings: settingsIn(form) }),
        ...(reason !== '' && { reason }),
      };
      if (channel === null)
        return read(api.POST('/api/v1/admin/alert-channels', { body: { ...body, kind: form.kind } }));
      return read(
        api.PATCH('/api/v1/admin/alert-channels/{id}', {
          params: { path: { id: String(channel.id) }, header: { 'If-Match': `"${channel.revision}"` } },
          body,
        }),
      );
    },
    onSuccess: async () => {
      // What was sent holds what is secret: nothing of it is kept.
      saving.reset();
      onClose();
      await queries.invalidateQueries({ queryKey: ['alerts'] });
    },
    gcTime: 0,
  });
  return saving;
}
