/** A plain table that becomes cards where it is narrow; for lists of some hundreds of rows at most. */
import type { ReactNode } from 'react';
import classes from './data-table.module.css';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** It stays on one line, where there is room for columns. */
  readonly isFirm?: boolean;
  /** A name: it is broken only where it is long. */
  readonly isName?: boolean;
}

export function DataTable<Row>({
  label,
  rows,
  columns,
  keyOf,
  isWithin = false,
}: {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string | number;
  /** It stands in a panel, which has a border. */
  readonly isWithin?: boolean;
}) {
  return (
    <div className={isWithin ? undefined : 'surface'}>
      <table className={classes['table']} aria-label={label} data-within={isWithin}>
        <thead>
          <tr>
            {columns.map(({ name, isNumber }) => (
              <th key={name} scope="col" data-number={isNumber}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, cell, isNumber, isFirm, isName }) => (
                <td key={name} data-label={name} data-number={isNumber} data-firm={isFirm} data-name={isName}>
                  <div>{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
