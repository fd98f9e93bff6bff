/** The body of a table of any length, which scrolls with the window: only the rows near the view are drawn. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';

export interface DrawnRowsOf<Row> {
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** About so high is a row, in CSS pixels, until it is drawn and measured. */
  readonly rowHeight: number;
  /** So many rows are drawn beyond the view. */
  readonly overscan: number;
  readonly className: string | undefined;
  readonly rowClassName: string | undefined;
  readonly children: (row: Row) => ReactNode;
  /** Told how far down the last row is that was drawn. */
  readonly onDrawn?: ((lastIndex: number) => void) | undefined;
}

/** @param parts.keyOf must be the same at each drawing: a new one has the places of all rows counted anew */
export function DrawnRows<Row>(parts: DrawnRowsOf<Row>) {
  const { rows, keyOf, rowHeight, overscan, className, rowClassName, children, onDrawn } = parts;
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  // What stands above may come and go: the result of a verification, a row of filters.
  useLayoutEffect(() => {
    const look = (): void => setOffset((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    look();
    return () => observer.disconnect();
  }, []);
  const getItemKey = useCallback(
    (index: number) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
    [rows, keyOf],
  );
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan,
    scrollMargin: offset,
    getItemKey,
  });
  const drawn = virtual.getVirtualItems();
  const last = drawn.at(-1)?.index ?? 0;
  useEffect(() => onDrawn?.(last));
  return (
    <div ref={body} role="rowgroup" className={className} style={{ height: virtual.getTotalSize() }}>
      {drawn.map(({ index, key, start }) => {
        const row = rows[index];
        return row === undefined ? null : (
          <div
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            role="row"
            aria-rowindex={index + 2}
            className={rowClassName}
            style={{ transform: `translateY(${start - virtual.options.scrollMargin}px)` }}
          >
            {children(row)}
          </div>
        );
      })}
    </div>
  );
}
