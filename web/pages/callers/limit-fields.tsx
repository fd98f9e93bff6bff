/** The fields of the limits of a gateway token, as it is made and later. Empty is no limit. */
import { Group, MultiSelect, NumberInput, Stack, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '../../api/queries.ts';
import type { LimitForm, Limits } from './limits.ts';

const numbers = [
  {
    fields: [
      ['requests_per_minute', 'Requests a minute'],
      ['tokens_per_minute', 'Tokens a minute'],
    ],
    look: { min: 1, allowDecimal: false },
  },
  {
    fields: [
      ['daily_budget_usd', 'USD a day'],
      ['monthly_budget_usd', 'USD a month'],
    ],
    look: { description: 'In UTC.', prefix: '$', min: 0, decimalScale: 6 },
  },
] as const;

export function LimitFields({
  form,
  onChange,
  faultOf,
  isDisabled = false,
}: {
  readonly form: LimitForm;
  readonly onChange: (part: Partial<LimitForm>) => void;
  readonly faultOf: (field: keyof Limits) => string | undefined;
  readonly isDisabled?: boolean;
}) {
  const { data: providers = [] } = useQuery(providersQuery);
  const names = new Map(providers.map(({ slug, display_name: name }) => [slug, name]));
  // One that was deleted since stays visible, and can be taken away.
  const slugs = new Set([...names.keys(), ...form.allowed_providers]);
  return (
    <Stack gap="sm">
      <TextInput
        label="Owner"
        description="The user whose token it is: keys that they bring come first. Empty: nobody’s."
        maxLength={255}
        autoComplete="off"
        disabled={isDisabled}
        value={form.owner}
        error={faultOf('owner')}
        onChange={({ currentTarget }) => onChange({ owner: currentTarget.value })}
      />
      <MultiSelect
        label="Only these providers"
        placeholder={form.allowed_providers.length === 0 ? 'All providers' : undefined}
        clearable
        searchable
        disabled={isDisabled}
        data={Array.from(slugs, (value) => ({ value, label: names.get(value) ?? value }))}
        value={[...form.allowed_providers]}
        error={faultOf('allowed_providers')}
        onChange={(chosen) => onChange({ allowed_providers: chosen })}
      />
      <Textarea
        label="Only these models"
        description="One a line, as provider/model, with * for any text. Empty: all."
        placeholder="openrouter/google/*"
        classNames={{ input: 'mono' }}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        disabled={isDisabled}
        value={form.allowed_models}
        error={faultOf('allowed_models')}
        onChange={({ currentTarget }) => onChange({ allowed_models: currentTarget.value })}
      />
      {numbers.map(({ fields, look }) => (
        <Group key={fields[0][0]} grow align="flex-start">
          {fields.map(([name, label]) => (
            <NumberInput
              key={name}
              {...look}
              label={label}
              placeholder="No limit"
              allowNegative={false}
              thousandSeparator=","
              hideControls
              disabled={isDisabled}
              value={form[name]}
              error={faultOf(name)}
              onChange={(value) => onChange({ [name]: value })}
            />
          ))}
        </Group>
      ))}
    </Stack>
  );
}
