/** Whether the daily test of a key also makes a chat of one token, which is spent, and how often in a month. */
import { Group, NumberInput, Switch, Text, TextInput } from '@mantine/core';
import type { ProviderHealth } from '../../api/views.ts';

type Probe = ProviderHealth['policy']['probe'];

export interface ProbeForm {
  readonly isOn: boolean;
  readonly model: string;
  readonly monthlyCalls: number | string;
}

export function probeFormOf(probe: Probe): ProbeForm {
  return { isOn: probe !== null, model: probe?.model ?? '', monthlyCalls: probe?.monthly_calls ?? 31 };
}

/** Nothing where nothing was changed. */
export function probeChange(
  { isOn, model, monthlyCalls }: ProbeForm,
  stored: Probe,
): { probe?: { model: string; monthly_calls: number } | null } {
  if (!isOn) return stored === null ? {} : { probe: null };
  const chosen = { model: model.trim(), monthly_calls: Number(monthlyCalls) };
  const isSame = stored?.model === chosen.model && stored.monthly_calls === chosen.monthly_calls;
  return isSame ? {} : { probe: chosen };
}

export function ProbeFields({
  form,
  stored,
  faultOf,
  onChange,
}: {
  readonly form: ProbeForm;
  readonly stored: Probe;
  readonly faultOf: (field: string) => string | undefined;
  readonly onChange: (form: ProbeForm) => void;
}) {
  return (
    <>
      <Switch
        label="The daily test also makes a chat of one token"
        description="It is spent. It shows what asking for the models does not: that a call works."
        checked={form.isOn}
        onChange={({ currentTarget }) => onChange({ ...form, isOn: currentTarget.checked })}
      />
      {form.isOn && (
        <Group grow align="flex-start">
          <TextInput
            label="Model"
            description="As the provider knows it."
            required
            withAsterisk={false}
            classNames={{ input: 'mono' }}
            value={form.model}
            error={faultOf('probe.model')}
            onChange={({ currentTarget }) => onChange({ ...form, model: currentTarget.value })}
          />
          <NumberInput
            label="Calls a month"
            description="At most, over all servers."
            min={1}
            allowDecimal={false}
            hideControls
            value={form.monthlyCalls}
            error={faultOf('probe.monthly_calls')}
            onChange={(monthlyCalls) => onChange({ ...form, monthlyCalls })}
          />
        </Group>
      )}
      {stored !== null && (
        <Text size="sm" className="quiet">
          {stored.month === null ? 'None was made yet' : `${stored.calls_made} made in ${stored.month}`}
          {stored.estimated_usd_per_month !== null &&
            `; about ${stored.estimated_usd_per_month.toFixed(4)} USD a month`}
          .
        </Text>
      )}
    </>
  );
}
