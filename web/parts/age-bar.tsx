/** How old a key is, against the age at which it should be replaced. */
import { Text, Tooltip } from '@mantine/core';
import type { ProviderHealth } from '../api/views.ts';
import classes from './age-bar.module.css';

const states = {
  fresh: { color: 'good', words: 'Fresh' },
  ageing: { color: 'warn', words: 'Ageing' },
  due: { color: 'warn', words: 'Rotation due' },
  overdue: { color: 'bad', words: 'Rotation overdue' },
} as const;

export function AgeBar({ health }: { readonly health: ProviderHealth | undefined }) {
  const days = health?.key_age_days ?? null;
  if (health === undefined || days === null) return <span className="quiet">–</span>;
  const { due_days: due, overdue_days: overdue } = health.policy;
  const { color, words } = states[health.key_age_state ?? 'fresh'];
  const share = Math.min(100, (days / overdue) * 100);
  const age = `${health.key_age_is_least ? 'at least ' : ''}${days} ${days === 1 ? 'day' : 'days'}`;
  return (
    <Tooltip label={`${words}: ${age} old; due at ${due}, overdue at ${overdue} days.`}>
      <div className={classes['age']} tabIndex={0} role="img" aria-label={`${words}, ${age} of ${due}`}>
        <Text component="span" size="sm">
          {health.key_age_is_least ? '≥ ' : ''}
          {days} d
        </Text>
        <div className={classes['track']}>
          <div className={classes['fill']} data-color={color} style={{ width: `${Math.max(share, 2)}%` }} />
          <div className={classes['due']} style={{ left: `${(due / overdue) * 100}%` }} />
        </div>
      </div>
    </Tooltip>
  );
}
