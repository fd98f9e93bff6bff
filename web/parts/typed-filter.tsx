/** A filter that is typed: it goes into the address once somebody has stopped to type. */
import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState, type ReactNode } from 'react';

export function TypedFilter({
  label,
  placeholder,
  icon,
  value = '',
  onChange,
}: {
  readonly label: string;
  readonly placeholder: string;
  readonly icon?: ReactNode;
  readonly value: string | undefined;
  readonly onChange: (value: string) => void;
}) {
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
      leftSection={icon}
      value={typed}
      maxLength={300}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        tell(currentTarget.value);
      }}
    />
  );
}
