/** Names and what they stand for: as tiles beside one another, or in rows where there are many. */
import type { ReactNode } from 'react';
import classes from './fact-list.module.css';

export function FactList({
  inRows = false,
  children,
}: {
  readonly inRows?: boolean;
  readonly children: ReactNode;
}) {
  return <dl className={inRows ? classes['rows'] : classes['tiles']}>{children}</dl>;
}

/** What has no value is left out. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === null || children === undefined || children === false) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
