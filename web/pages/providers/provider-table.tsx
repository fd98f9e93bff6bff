/** The providers in rows; on a narrow screen each row is a card. */
import { DrawnRows } from '../../parts/drawn-rows.tsx';
import { ProviderRow } from './provider-row.tsx';
import classes from './provider-table.module.css';
import type { Row } from './rows.ts';

const columns = ['Provider', 'Serves', 'Key', 'Status', 'Last tested', 'Age'] as const;
const slugOf = ({ provider }: Row): string => provider.slug;

export function ProviderTable({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <div className="surface" role="table" aria-label="Providers" aria-rowcount={rows.length + 1}>
      <div role="rowgroup" className={classes['head']}>
        <div role="row" className={classes['row']} aria-rowindex={1}>
          {columns.map((name) => (
            <div key={name} role="columnheader">
              {name}
            </div>
          ))}
          <div role="columnheader">
            <span className={classes['unseen']}>Actions</span>
          </div>
        </div>
      </div>
      <DrawnRows
        rows={rows}
        keyOf={slugOf}
        rowHeight={64}
        overscan={12}
        className={classes['body']}
        rowClassName={classes['row']}
      >
        {(row) => <ProviderRow {...row} />}
      </DrawnRows>
    </div>
  );
}
