/** Which events are shown: by who, what, on what, with what outcome, from when to when. */
import { Button, Select, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { knownActions, wordsOfAction } from '../../api/audit-actions.ts';
import type { AuditFilter } from '../../api/views.ts';
import classes from './audit.module.css';
import { outcomeWords } from './outcome.ts';
import { localTime } from '../../parts/local-time.ts';
import { saysNothing } from '../../parts/says-nothing.ts';
import { TypedFilter } from '../../parts/typed-filter.tsx';

type Change = (part: Partial<Record<keyof AuditFilter, string | null>>) => void;

export function AuditFilterBar({ filter }: { readonly filter: AuditFilter }) {
  const navigate = useNavigate();
  const change: Change = (part) => {
    const kept = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== null && value !== '');
    void navigate({ to: '/audit', search: Object.fromEntries(kept), replace: true });
  };
  return (
    <div className={classes['filters']} role="search" aria-label="Filter the events">
      <TypedFilter
        label="Who"
        placeholder="A name, or a kind"
        value={filter.actor}
        onChange={(actor) => change({ actor })}
      />
      <Select
        label="What"
        placeholder="Anything"
        clearable
        searchable
        maxDropdownHeight={320}
        data={actionChoices}
        value={filter.action ?? null}
        onChange={(action) => change({ action })}
      />
      <TypedFilter
        label="On what"
        placeholder="provider:openrouter"
        value={filter.target}
        onChange={(target) => change({ target })}
      />
      <Select
        label="Outcome"
        placeholder="Any"
        clearable
        data={Object.entries(outcomeWords).map(([value, { word: label }]) => ({ value, label }))}
        value={filter.outcome ?? null}
        onChange={(outcome) => change({ outcome })}
      />
      <TimeFilter label="From" value={filter.since} onChange={(since) => change({ since })} />
      <TimeFilter label="To" value={filter.until} onChange={(until) => change({ until })} />
      {!saysNothing(filter) && (
        <Button
          variant="default"
          size="xs"
          onClick={() => void navigate({ to: '/audit', search: {} })}
          style={{ gridColumn: '1 / -1', justifySelf: 'start' }}
        >
          Show all
        </Button>
      )}
    </div>
  );
}

const actionChoices = knownActions.map((value) => ({ value, label: wordsOfAction(value) }));

/** Entered where the reader is, kept in UTC. */
function TimeFilter({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string | null) => void;
}) {
  return (
    <TextInput
      type="datetime-local"
      className={classes['time']}
      label={label}
      value={value === undefined ? '' : localTime(new Date(value))}
      onChange={({ currentTarget: { value: entered } }) =>
        onChange(entered === '' ? null : new Date(entered).toISOString())
      }
    />
  );
}
