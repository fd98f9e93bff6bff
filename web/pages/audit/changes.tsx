/** What an event changed: each field before and after, those that differ marked. */
import { Text } from '@mantine/core';
import type { AuditEvent } from '../../api/views.ts';
import classes from './audit.module.css';
import { changedFields } from './changed-fields.ts';

export function Changes({ before, after }: Pick<AuditEvent, 'before' | 'after'>) {
  const fields = changedFields(before, after);
  if (fields.length === 0)
    return (
      <Text size="sm" className="quiet">
        It says nothing of what was or is.
      </Text>
    );
  return (
    <table className={classes['changes']}>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, before: old, after: now, isChanged }) => (
          <tr key={name} data-changed={isChanged}>
            <th scope="row">
              {name}
              {isChanged && <span className="unseen"> (changed)</span>}
            </th>
            <td data-label="Before">{old ?? <span className="quiet">–</span>}</td>
            <td data-label="After">{now ?? <span className="quiet">–</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
