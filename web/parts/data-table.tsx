/**
 * Rows under the names of their columns; where there is no room for columns, each row is a card. Of a list of
 * any length only the rows near the view are drawn.
 */
import type { CSSProperties, ReactNode } from 'react';
import classes from './data-table.module.css';
import { DrawnRows } from './drawn-rows.tsx';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** As CSS has it, `minmax(10rem, 1.5fr)`; where absent, by what stands in it. */
  readonly width?: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** It stays on one line, where there is room for columns. */
  readonly isFirm?: boolean;
  /** It may hold words of any length, and gives way first: they are broken anywhere. */
  readonly isLong?: boolean;
  /** Given up first where there is not room for all columns. */
  readonly isSpare?: boolean;
  /** Over the whole width of a card. */
  readonly isWide?: boolean;
  /** The title of a card: as wide, and without the name of the column. */
  readonly isTitle?: boolean;
  /** Its name is for those who do not see the table. */
  readonly isUnnamed?: boolean;
}

export interface TableOf<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string | number;
  /** It stands in a panel, which has a border. */
  readonly isWithin?: boolean;
}

/** For lists of some hundreds of rows at most. */
export function DataTable<Row>({ rows, keyOf, ...table }: TableOf<Row>) {
  return (
    <Table {...table}>
      <div role="rowgroup" className={classes['rows']}>
        {rows.map((row) => (
          <div key={keyOf(row)} role="row" className={`${classes['row'] ?? ''} ${classes['entry'] ?? ''}`}>
            <Cells row={row} columns={table.columns} />
          </div>
        ))}
      </div>
    </Table>
  );
}

/** @param list.columns each with a width that does not depend on what stands in it: rows do not know of each other */
export function LongTable<Row>({
  rows,
  keyOf,
  rowHeight,
  isPart = false,
  onDrawn,
  ...list
}: Omit<TableOf<Row>, 'keyOf' | 'isWithin'> & {
  /** The same at each drawing. */
  readonly keyOf: (row: Row) => string;
  /** About so high is a row, in CSS pixels. */
  readonly rowHeight: number;
  /** There are more rows than are known yet. */
  readonly isPart?: boolean;
  /** Told how far down the last row is that was drawn. */
  readonly onDrawn?: (lastIndex: number) => void;
}) {
  return (
    <Table {...list} rowCount={isPart ? -1 : rows.length + 1}>
      <DrawnRows
        rows={rows}
        keyOf={keyOf}
        rowHeight={rowHeight}
        overscan={16}
        onDrawn={onDrawn}
        className={classes['body']}
        rowClassName={`${classes['row'] ?? ''} ${classes['entry'] ?? ''}`}
      >
        {(row) => <Cells row={row} columns={list.columns} />}
      </DrawnRows>
    </Table>
  );
}

function Table<Row>({
  label,
  columns,
  isWithin = false,
  rowCount,
  children,
}: Pick<TableOf<Row>, 'label' | 'columns' | 'isWithin'> & {
  /** How many rows there are with the head, where not all of them are drawn; -1: nobody knows. */
  readonly rowCount?: number;
  readonly children: ReactNode;
}) {
  const widths: CSSProperties & Record<`--${string}`, string> = {
    '--columns': widthsOf(columns),
    '--fewer-columns': widthsOf(columns.filter(({ isSpare }) => isSpare !== true)),
  };
  return (
    <div className={`${classes['room'] ?? ''} ${isWithin ? '' : 'surface'}`}>
      <div
        role="table"
        aria-label={label}
        aria-rowcount={rowCount}
        className={classes['table']}
        style={widths}
        data-within={isWithin}
        data-long={rowCount !== undefined}
      >
        <div role="rowgroup" className={classes['head']}>
          <div role="row" className={classes['row']} aria-rowindex={rowCount === undefined ? undefined : 1}>
            {columns.map(({ name, isNumber, isSpare, isUnnamed }) => (
              <div key={name} role="columnheader" data-number={isNumber} data-spare={isSpare}>
                {isUnnamed === true ? <span className="unseen">{name}</span> : name}
              </div>
            ))}
          </div>
        </div>
        {children}
      </div>
    </div>
  );
}

function widthsOf<Row>(columns: readonly Column<Row>[]): string {
  return columns.map(({ width = 'auto' }) => width).join(' ');
}

function Cells<Row>({ row, columns }: { readonly row: Row; readonly columns: readonly Column<Row>[] }) {
  return columns.map(({ name, cell, isNumber, isFirm, isLong, isSpare, isWide, isTitle, isUnnamed }) => (
    <div
      key={name}
      role="cell"
      className={classes['cell']}
      data-number={isNumber}
      data-firm={isFirm}
      data-long={isLong}
      data-spare={isSpare}
      data-wide={isWide === true || isTitle === true}
      data-title={isTitle}
    >
      {isUnnamed !== true && isTitle !== true && (
        <span className={classes['label']} aria-hidden>
          {name}
        </span>
      )}
      {cell(row)}
    </div>
  ));
}
