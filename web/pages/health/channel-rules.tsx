/** Which alerts a channel takes, and when it is quiet. */
import { Group, MultiSelect, Select, Switch, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '../../api/queries.ts';
import type { ChannelForm } from './channel-form.ts';
import { alertKindWords, wordsOfKind } from './words.ts';

const leasts = [
  { value: 'info', label: 'Everything' },
  { value: 'warning', label: 'Warnings and worse' },
  { value: 'critical', label: 'Critical ones only' },
];

export function ChannelRules({
  form,
  onChange,
}: {
  readonly form: ChannelForm;
  readonly onChange: (part: Partial<ChannelForm>) => void;
}) {
  const { data: providers = [] } = useQuery(providersQuery);
  const slugs = new Set([...providers.map(({ slug }) => slug), ...form.providers]);
  const kinds = new Set([...Object.keys(alertKindWords), ...form.kinds]);
  return (
    <>
      <Select
        label="Takes"
        allowDeselect={false}
        data={leasts}
        value={form.minSeverity}
        onChange={(value) => value !== null && onChange({ minSeverity: value as ChannelForm['minSeverity'] })}
      />
      <MultiSelect
        label="Only these kinds"
        placeholder={form.kinds.length === 0 ? 'All kinds' : undefined}
        clearable
        searchable
        data={Array.from(kinds, (value) => ({ value, label: wordsOfKind(value) }))}
        value={[...form.kinds]}
        onChange={(value) => onChange({ kinds: value })}
      />
      <MultiSelect
        label="Only of these providers"
        description="Alerts of several providers, or of none, are sent all the same."
        placeholder={form.providers.length === 0 ? 'All providers' : undefined}
        clearable
        searchable
        data={[...slugs].toSorted()}
        value={[...form.providers]}
        onChange={(value) => onChange({ providers: value })}
      />
      <Switch
        label="Quiet hours"
        description="What is not bad enough then follows at their end."
        checked={form.isQuiet}
        onChange={({ currentTarget }) => onChange({ isQuiet: currentTarget.checked })}
      />
      {form.isQuiet && (
        <Group grow align="flex-start">
          <TextInput
            type="time"
            label="From (UTC)"
            required
            withAsterisk={false}
            value={form.quietFrom}
            onChange={({ currentTarget }) => onChange({ quietFrom: currentTarget.value })}
          />
          <TextInput
            type="time"
            label="To (UTC)"
            required
            withAsterisk={false}
            value={form.quietTo}
            onChange={({ currentTarget }) => onChange({ quietTo: currentTarget.value })}
          />
          <Select
            label="Sent all the same"
            allowDeselect={false}
            data={leasts}
            value={form.quietMinSeverity}
            onChange={(value) =>
              value !== null && onChange({ quietMinSeverity: value as ChannelForm['quietMinSeverity'] })
            }
          />
        </Group>
      )}
    </>
  );
}
