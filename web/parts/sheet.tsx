/** Plain rows under the names of their columns; on a narrow screen each row is a card. */
import type { CSSProperties, ReactNode } from 'react';
import classes from './sheet.module.css';

export interface Column {
  readonly name: string;
  /** As CSS has it: `minmax(10rem, 1.5fr)`. */
  readonly width: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** Its name is for those who do not see the table. */
  readonly isUnnamed?: boolean;
}

export function Sheet({
  label,
  columns,
  children,
}: {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly children: ReactNode;
}) {
  const widths: CSSProperties & Record<`--${string}`, string> = {
    '--columns': columns.map(({ width }) => width).join(' '),
  };
  return (
    <div role="table" aria-label={label} className={`surface ${classes['sheet'] ?? ''}`} style={widths}>
      <div role="rowgroup" className={classes['head']}>
        <div role="row" className={classes['row']}>
          {columns.map(({ name, isNumber, isUnnamed }) => (
            <div key={name} role="columnheader" className={isNumber === true ? classes['number'] : undefined}>
              {isUnnamed === true ? <span className="unseen">{name}</span> : name}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup">{children}</div>
    </div>
  );
}

export function SheetRow({ children }: { readonly children: ReactNode }) {
  return (
    <div role="row" className={`${classes['row'] ?? ''} ${classes['entry'] ?? ''}`}>
      {children}
    </div>
  );
}

export function SheetCell({
  label,
  isNumber = false,
  isWide = false,
  children,
}: {
  /** The name of the column, shown where the head is not. */
  readonly label?: string;
  readonly isNumber?: boolean;
  /** Over the whole width of a card. */
  readonly isWide?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <div role="cell" className={classes['cell']} data-number={isNumber} data-wide={isWide}>
      {label !== undefined && (
        <span className={classes['label']} aria-hidden>
          {label}
        </span>
      )}
      {children}
    </div>
  );
}
