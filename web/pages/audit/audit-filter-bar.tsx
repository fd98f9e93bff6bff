/** Which events are shown: by who, what, on what, with what outcome, from when to when. */
import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { knownActions, wordsOfAction } from '../../api/audit-actions.ts';
import type { AuditFilter } from '../../api/views.ts';
import classes from './audit.module.css';
import { outcomeWords } from './outcome.ts';
import { localTime } from '../../parts/local-time.ts';
import { saysNothing } from '../../parts/says-nothing.ts';

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

interface Field {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string | null) => void;
}

/** Goes into the address once somebody has stopped to type. */
function TypedFilter({ label, placeholder, value = '', onChange }: Field & { readonly placeholder: string }) {
  const [typed, setTyped] = useState(value);
  const [told, setTold] = useState(value);
  // The address was changed by something else: back, or "Show all".
  if (value !== told) {
    setTold(value);
    setTyped(value);
  }
  const tell = useDebouncedCallback((words: string) => {
    setTold(words.trim());
    onChange(words.trim());
  }, 300);
  return (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={typed}
      maxLength={300}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        tell(currentTarget.value);
      }}
    />
  );
}

/** Entered where the reader is, kept in UTC. */
function TimeFilter({ label, value, onChange }: Field) {
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
