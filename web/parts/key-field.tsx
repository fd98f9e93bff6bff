/** Where a key is typed or pasted. It is trimmed with a note, offered to no password store, and kept nowhere. */
import { PasswordInput, Text } from '@mantine/core';
import { useState } from 'react';

export function KeyField({
  label,
  description,
  value,
  onChange,
  error,
  isFirst = true,
  isRequired = true,
}: {
  readonly label: string;
  readonly description?: string;
  readonly value: string;
  readonly onChange: (key: string) => void;
  readonly error?: string | undefined;
  /** Whether the dialog begins with it. */
  readonly isFirst?: boolean;
  readonly isRequired?: boolean;
}) {
  const [wasTrimmed, setTrimmed] = useState(false);
  const take = (text: string): void => {
    const trimmed = text.trim();
    setTrimmed(trimmed !== text && trimmed !== '');
    onChange(trimmed);
  };
  return (
    <>
      <PasswordInput
        label={label}
        description={description}
        value={value}
        onChange={({ currentTarget }) => take(currentTarget.value)}
        error={error}
        required={isRequired}
        withAsterisk={false}
        data-autofocus={isFirst || undefined}
        autoComplete="off"
        autoCapitalize="off"
        autoCorrect="off"
        spellCheck={false}
        data-1p-ignore
        data-lpignore="true"
        data-form-type="other"
        maxLength={4096}
        classNames={{ innerInput: 'mono' }}
        visibilityToggleButtonProps={{ 'aria-label': 'Show what was entered' }}
      />
      <Text size="sm" className="quiet" role="status">
        {wasTrimmed ? 'Spaces around the key were left out.' : ''}
      </Text>
    </>
  );
}
